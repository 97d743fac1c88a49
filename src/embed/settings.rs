//! What an application may say about sessions, passwords and where it is reached.

use std::{path::PathBuf, time::Duration};

use crate::config::{self, Chosen, OnOff, Span};

/// Settings, each with a default. The same names as those of the service, where more is said of
/// each.
///
/// ```
/// use std::time::Duration;
///
/// let mut settings = rolecall::Settings::default();
/// settings.public_url = Some("https://example.com".to_owned());
/// settings.idle_timeout = Some(Duration::from_secs(30 * 60));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Scheme and host that people see, and the path below which the pages stand, if any, such as
    /// `https://example.com/people`. By default this machine on any port, without https.
    pub public_url: Option<String>,
    /// The application's name on the pages, up to 40 characters. By default `rolecall`.
    pub app_name: Option<String>,
    /// File of the secret keys. By default `rolecall.key` beside the SQLite file, else in the
    /// working directory.
    pub key_file: Option<PathBuf>,
    /// Proxies whose forwarding headers are believed: addresses, networks, `unix`; separated by
    /// commas. By default none.
    pub trusted_proxies: Option<String>,
    /// A session ends when it was not used for so long. By default 12 hours.
    pub idle_timeout: Option<Duration>,
    /// A session ends so long after the login. By default 7 days.
    pub absolute_timeout: Option<Duration>,
    /// Both limits of a session that is to be remembered. By default 30 days.
    pub remember_timeout: Option<Duration>,
    /// Least length of a new password in characters, from 8 to 64. By default 15.
    pub password_min_length: Option<usize>,
    /// Sessions that one user may have open. By default 50.
    pub max_sessions: Option<usize>,
    /// Cost of new password hashes, `m=19456,t=2,p=1` by default. Cheaper ones are for tests.
    pub argon2: Option<String>,
    /// Do not hold back whoever guesses passwords. For tests.
    pub is_unthrottled: bool,
}

impl Settings {
    pub(super) fn resolve(self) -> Result<config::Settings, String> {
        let is_any_port_ours = self.public_url.is_none();
        let span = |name, span: Option<Duration>| {
            span.map(|span| time::Duration::try_from(span).map(Span))
                .transpose()
                .map_err(|_| format!("{name} is too long"))
        };
        let chosen = Chosen {
            public_url: parsed("public_url", self.public_url)?,
            app_name: parsed("app_name", self.app_name)?,
            key_file: self.key_file,
            trusted_proxies: parsed("trusted_proxies", self.trusted_proxies)?,
            idle_timeout: span("idle_timeout", self.idle_timeout)?,
            absolute_timeout: span("absolute_timeout", self.absolute_timeout)?,
            remember_timeout: span("remember_timeout", self.remember_timeout)?,
            password_min_length: self.password_min_length,
            max_sessions: self.max_sessions,
            argon2: parsed("argon2", self.argon2)?,
            throttle: self.is_unthrottled.then_some(OnOff::Off),
            ..Chosen::default()
        };
        let settings = config::Settings::resolve(chosen).map_err(|error| error.to_string())?;
        Ok(config::Settings { is_any_port_ours, ..settings })
    }
}

fn parsed<T: std::str::FromStr<Err = String>>(
    name: &str,
    value: Option<String>,
) -> Result<Option<T>, String> {
    let parsed = value.map(|value| value.parse()).transpose();
    parsed.map_err(|reason| format!("{name}: {reason}"))
}
