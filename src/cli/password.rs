//! Where a password comes from at the terminal. Never from an argument: those are seen by
//! other users of the machine and kept in the shell's history.

use std::io::{BufRead, IsTerminal, Read};

use clap::Args;

use super::Failure;
use crate::{
    app::App,
    auth::password::{MAX_BYTES, Password, generate},
};

#[derive(Args)]
#[group(multiple = false)]
pub struct Source {
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Make a password and print it once
    #[arg(long)]
    generate_password: bool,
}

pub struct Given {
    pub password: Password,
    /// The password in clear, when the program made it.
    pub generated: Option<String>,
}

impl Source {
    /// Reads, makes or asks for a new password of somebody who is called so.
    pub fn get(&self, app: &App, names: &[&str]) -> Result<Given, Failure> {
        let chosen = |text: &str| {
            Password::chosen_for(app, text, names)
                .map_err(|error| Failure::Other(error.to_string()))
        };
        if self.generate_password {
            let text = generate(&app.pen.random).map_err(crate::auth::Error::from)?;
            return Ok(Given { password: chosen(&text)?, generated: Some(text) });
        }
        let text = if self.password_stdin { from_stdin()? } else { from_terminal()? };
        Ok(Given { password: chosen(&text)?, generated: None })
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut line = Vec::new();
    let most = MAX_BYTES as u64 + 2;
    std::io::stdin().lock().take(most).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8(line.to_vec())
        .map_err(|_| Failure::Other("the password on standard input is not UTF-8".into()))
}

fn from_terminal() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Other(
            "there is no terminal to ask for the password; use --password-stdin, \
             --generate-password or a link"
                .into(),
        ));
    }
    let first = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("The same again: ")? != first {
        return Err(Failure::Other("the two passwords differ; nothing was changed".into()));
    }
    Ok(first)
}
