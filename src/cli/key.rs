//! `key`: the keys that sign cookies and form tokens.

use super::{Outcome, Place, operator, output};
use crate::auth::key;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a new key; sessions of the old ones live on
    Rotate,
}

pub async fn run(place: &Place, command: Command) -> Outcome {
    let app = place.open().await?;
    match command {
        Command::Rotate => {
            let id = key::rotate(&app, &operator()).await?;
            let path = app.keys.path().display();
            output::line(&format!("key {id} is in {path}; copy the file to every other node"))
        }
    }
}
