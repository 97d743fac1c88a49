//! `user invite`: a link for everybody who has no password yet.

use super::{Outcome, output, tell_assumed_address};
use crate::{
    app::App,
    auth::{By, link},
    db::users::{self, User},
    text::count,
    web::csv::File,
};

/// Users that are looked at for one transaction.
const BATCH: i64 = 500;

/// Prints the links of a batch once they are in the database: whoever is cut off asks again, which
/// voids those that nobody has seen.
pub async fn run(app: &App, by: &By) -> Outcome {
    tell_assumed_address(app);
    let mut file = File::new(&["username", "email", "link"]);
    let (mut after, mut number) = (Vec::new(), 0);
    loop {
        let users = users::list(&app.db, &after, BATCH).await?;
        let Some(last) = users.last() else { break };
        after = last.username.clone().into_bytes();
        let ids: Vec<_> =
            users.iter().filter(|user| user.awaits_password()).map(|u| u.id).collect();
        if ids.is_empty() {
            continue;
        }
        for (User { username, email, .. }, token) in link::invite(app, by, &ids).await? {
            let email = email.unwrap_or_default();
            file.row(&[&username, &email, &link::url(app, token)]);
            number += 1;
        }
        output::write(file.take().as_bytes())?;
    }
    output::write(file.take().as_bytes())?;
    eprintln!("{}, each good once, within 7 days", count(number, "invitation", "invitations"));
    Ok(())
}
