//! Settings: each is a flag of `serve`, an environment variable `ROLECALL_<NAME>` and a flat
//! key of the TOML file; flag over environment over file over default.

mod app_name;
mod endpoint;
mod hash_params;
mod public_url;
mod types;

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Command, FromArgMatches};
use serde::Deserialize;
use time::Duration;

pub use app_name::AppName;
pub use endpoint::Endpoint;
pub use hash_params::{
    HASH_KIB_NANOS, HashParams, MAX_HASH_KIB, MAX_HASH_PASSES, MAX_HASH_SECONDS,
};
pub use public_url::{Origin, PublicUrl};
pub use types::{Listen, LogFormat, OnOff, Pooler, Span, TrustedProxy};

/// Shorter passwords are weak as the only factor (NIST SP 800-63B-4).
pub const ADVISED_PASSWORD_LENGTH: usize = 15;

macro_rules! settings {
    ($( $(#[doc = $help:literal])+ $name:ident: $type:ty, $env:literal; )+) => {
        /// What a person has set; the rest has its default.
        #[derive(Debug, Default, Clone, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Chosen {
            $( $(#[doc = $help])+
               #[arg(long, env = $env, value_name = "VALUE")]
               #[serde(default)]
               pub $name: Option<$type>, )+
        }

        impl Chosen {
            /// These, and where one is missing, those of `lower`.
            fn over(self, lower: Self) -> Self {
                Self { $( $name: self.$name.or(lower.$name), )+ }
            }
        }

        /// Names of the environment variables that are settings.
        const VARIABLES: &[&str] = &[$($env),+];
    };
}

settings! {
    /// Where to listen: an address with port, or unix:PATH [default: 127.0.0.1:8000]
    listen: Listen, "ROLECALL_LISTEN";
    /// The address people see: scheme, host, and the path that the pages stand below, if any; needed when not listening on loopback
    public_url: PublicUrl, "ROLECALL_PUBLIC_URL";
    /// What the pages call the application, up to 40 characters [default: rolecall]
    app_name: AppName, "ROLECALL_APP_NAME";
    /// File of the secret keys [default: rolecall.key beside the SQLite file, else here]
    key_file: PathBuf, "ROLECALL_KEY_FILE";
    /// Proxies whose forwarding headers are believed: addresses, networks, `unix`; separated by commas
    trusted_proxies: types::List<TrustedProxy>, "ROLECALL_TRUSTED_PROXIES";
    /// Parent domain of the applications that share the login; needs an https public_url
    cookie_domain: types::Domain, "ROLECALL_COOKIE_DOMAIN";
    /// Origins other than ours (https) that a login may return to; separated by commas
    allowed_return_origins: types::List<Origin>, "ROLECALL_ALLOWED_RETURN_ORIGINS";
    /// Cost of new password hashes: m in KiB, t, p [default: m=19456,t=2,p=1]
    argon2: HashParams, "ROLECALL_ARGON2";
    /// Mix a secret of the key file into new password hashes; without that file they are worthless [default: off]
    pepper: OnOff, "ROLECALL_PEPPER";
    /// Passwords hashed at the same time [default: number of processors]
    hash_slots: usize, "ROLECALL_HASH_SLOTS";
    /// Logins that may wait for a slot; more are told to come back [default: 64]
    hash_queue: usize, "ROLECALL_HASH_QUEUE";
    /// Hold back whoever guesses passwords; `off` is for benchmarks [default: on]
    throttle: OnOff, "ROLECALL_THROTTLE";
    /// Least length of a new password in characters, 8 at least [default: 15]
    password_min_length: usize, "ROLECALL_PASSWORD_MIN_LENGTH";
    /// A session ends when it was not used for so long [default: 12h]
    idle_timeout: Span, "ROLECALL_IDLE_TIMEOUT";
    /// A session ends so long after the login [default: 7d]
    absolute_timeout: Span, "ROLECALL_ABSOLUTE_TIMEOUT";
    /// Both limits of a session with "remember me" [default: 30d]
    remember_timeout: Span, "ROLECALL_REMEMBER_TIMEOUT";
    /// Changes to people and roles ask for the password again so long after it was entered [default: 10m]
    step_up_after: Span, "ROLECALL_STEP_UP_AFTER";
    /// Sessions that are remembered between requests, so that a check asks no database; about 2 KB each [default: 150000]
    cache_entries: usize, "ROLECALL_CACHE_ENTRIES";
    /// Sessions that one user may have open; a login beyond that ends the oldest [default: 50]
    max_sessions: usize, "ROLECALL_MAX_SESSIONS";
    /// Connections served at the same time [default: 4096]
    max_connections: usize, "ROLECALL_MAX_CONNECTIONS";
    /// Of these, connections of one address (IPv6: its /64); `trusted_proxies` have any number [default: 256]
    max_connections_per_address: usize, "ROLECALL_MAX_CONNECTIONS_PER_ADDRESS";
    /// What stands before Postgres: off, or a pooler in `transaction` mode such as PgBouncer [default: off]
    postgres_pooler: Pooler, "ROLECALL_POSTGRES_POOLER";
    /// Where to serve metrics for Prometheus, and nothing else: as `listen` [default: nowhere]
    metrics_listen: Listen, "ROLECALL_METRICS_LISTEN";
    /// After the signal to stop, serve on for so long while /readyz says no [default: stop at once]
    drain_for: Span, "ROLECALL_DRAIN_FOR";
    /// Collector that takes traces (OTLP over HTTP), such as http://127.0.0.1:4318 [default: no traces]
    otlp_endpoint: Endpoint, "ROLECALL_OTLP_ENDPOINT";
    /// Log lines: pretty or json [default: pretty on a terminal, else json]
    log_format: LogFormat, "ROLECALL_LOG_FORMAT";
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: Listen,
    pub public_url: PublicUrl,
    /// Nobody named it: it is where we listen.
    pub is_public_url_assumed: bool,
    pub app_name: AppName,
    /// On loopback each port is ours: it is the application that listens, and knows on which.
    pub is_any_port_ours: bool,
    pub key_file: Option<PathBuf>,
    pub trusted_proxies: Vec<TrustedProxy>,
    pub cookie_domain: Option<String>,
    pub allowed_return_origins: Vec<Origin>,
    pub argon2: argon2::Params,
    pub pepper: OnOff,
    pub hash_slots: usize,
    pub hash_queue: usize,
    pub throttle: OnOff,
    pub password_min_length: usize,
    pub idle_timeout: Duration,
    pub absolute_timeout: Duration,
    pub remember_timeout: Duration,
    pub step_up_after: Duration,
    pub cache_entries: usize,
    pub max_sessions: usize,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub postgres_pooler: Pooler,
    pub metrics_listen: Option<Listen>,
    pub drain_for: Option<Duration>,
    pub otlp_endpoint: Option<Endpoint>,
    pub log_format: Option<LogFormat>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the settings file {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error("the settings file {} is wrong: {reason}", path.display())]
    Wrong { path: PathBuf, reason: String },
    #[error("{0}")]
    Environment(String),
    #[error(
        "listening on {0}, which others can reach, needs public_url, the address they use: --public-url https://login.example.com"
    )]
    NeedsPublicUrl(Listen),
    #[error(
        "cookie_domain {domain} must be the host of public_url ({host}) or a parent of it, with an https public_url"
    )]
    CookieDomain { domain: String, host: String },
    #[error(
        "cookie_domain {0} is a public suffix: strangers have names below it, and browsers share no cookies there; take a domain of your own, such as example.{0}"
    )]
    PublicSuffix(String),
    #[error("listen and metrics_listen are both {0}; metrics need an address of their own")]
    OneAddress(Listen),
    #[error(
        "otlp_endpoint is set, but this program was built without traces; releases have them: cargo build --release --features otlp"
    )]
    NoTraces,
    #[error("password_min_length is {0}; it must be from 8 to 64")]
    PasswordLength(usize),
    #[error("{0} must be at least 1")]
    Zero(&'static str),
}

impl Settings {
    /// Resolves flags, environment, file (if one is named) and defaults.
    pub fn load(flags: Chosen, file: Option<&std::path::Path>) -> Result<Self, ConfigError> {
        let file = file.map(read_file).transpose()?.unwrap_or_default();
        Self::resolve(flags.over(file))
    }

    /// The settings of a command that has no flags for them.
    pub fn of_environment(file: Option<&std::path::Path>) -> Result<Self, ConfigError> {
        let command = Chosen::augment_args(Command::new("rolecall").no_binary_name(true));
        let chosen = command
            .try_get_matches_from(std::iter::empty::<String>())
            .and_then(|matches| Chosen::from_arg_matches(&matches))
            .map_err(|error| ConfigError::Environment(first_line(&error.to_string())))?;
        Self::load(chosen, file)
    }

    /// Checks what belongs together and fills in the defaults.
    pub fn resolve(chosen: Chosen) -> Result<Self, ConfigError> {
        let listen = chosen.listen.unwrap_or_default();
        let is_public_url_assumed = chosen.public_url.is_none();
        let public_url = match (chosen.public_url, &listen) {
            (Some(url), _) => url,
            (None, Listen::Tcp(address)) if address.ip().is_loopback() => {
                PublicUrl::loopback(*address)
            }
            (None, _) => return Err(ConfigError::NeedsPublicUrl(listen)),
        };
        if chosen.metrics_listen.as_ref() == Some(&listen) && !listen.is_any_port() {
            return Err(ConfigError::OneAddress(listen));
        }
        let cookie_domain = chosen.cookie_domain.map(|domain| domain.0);
        if let Some(domain) = &cookie_domain {
            let host = public_url.host();
            let is_parent = host == domain || host.ends_with(&format!(".{domain}"));
            if !is_parent || !public_url.is_https() {
                let (domain, host) = (domain.clone(), host.to_owned());
                return Err(ConfigError::CookieDomain { domain, host });
            }
            if psl::domain(domain.as_bytes()).is_none() {
                return Err(ConfigError::PublicSuffix(domain.clone()));
            }
        }
        let password_min_length = chosen.password_min_length.unwrap_or(ADVISED_PASSWORD_LENGTH);
        if !(8..=64).contains(&password_min_length) {
            return Err(ConfigError::PasswordLength(password_min_length));
        }
        let at_least_one = |name, value| {
            if value == 0 { Err(ConfigError::Zero(name)) } else { Ok(value) }
        };
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let days = |n| Span(Duration::days(n));
        Ok(Self {
            public_url,
            is_public_url_assumed,
            app_name: chosen.app_name.unwrap_or_default(),
            is_any_port_ours: false,
            key_file: chosen.key_file,
            trusted_proxies: chosen.trusted_proxies.unwrap_or_default().0,
            cookie_domain,
            allowed_return_origins: chosen.allowed_return_origins.unwrap_or_default().0,
            argon2: chosen.argon2.unwrap_or_default().0,
            pepper: chosen.pepper.unwrap_or(OnOff::Off),
            hash_slots: at_least_one("hash_slots", chosen.hash_slots.unwrap_or(processors))?,
            hash_queue: chosen.hash_queue.unwrap_or(64),
            throttle: chosen.throttle.unwrap_or(OnOff::On),
            password_min_length,
            idle_timeout: chosen.idle_timeout.unwrap_or(Span(Duration::hours(12))).0,
            absolute_timeout: chosen.absolute_timeout.unwrap_or(days(7)).0,
            remember_timeout: chosen.remember_timeout.unwrap_or(days(30)).0,
            step_up_after: chosen.step_up_after.unwrap_or(Span(Duration::minutes(10))).0,
            cache_entries: at_least_one("cache_entries", chosen.cache_entries.unwrap_or(150_000))?,
            max_sessions: at_least_one("max_sessions", chosen.max_sessions.unwrap_or(50))?,
            max_connections: at_least_one(
                "max_connections",
                chosen.max_connections.unwrap_or(4096),
            )?,
            max_connections_per_address: at_least_one(
                "max_connections_per_address",
                chosen.max_connections_per_address.unwrap_or(256),
            )?,
            postgres_pooler: chosen.postgres_pooler.unwrap_or(Pooler::Off),
            metrics_listen: chosen.metrics_listen,
            drain_for: chosen.drain_for.map(|span| span.0),
            otlp_endpoint: endpoint::if_built(chosen.otlp_endpoint, cfg!(feature = "otlp"))?,
            log_format: chosen.log_format,
            listen,
        })
    }

    /// Takes the port that was free, when port 0 asked for any.
    pub fn listening_on(&mut self, listen: Listen) {
        if let Listen::Tcp(got) = &listen
            && self.is_public_url_assumed
        {
            self.public_url = PublicUrl::loopback(*got);
        }
        self.listen = listen;
    }

    /// Whether `host` (as in a Host header, with its port) is ours.
    pub fn is_our_host(&self, host: &str) -> bool {
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        match (host.rsplit_once(':'), self.public_url.port()) {
            (Some((name, port)), Some(ours)) if self.is_any_port_ours && is_port(port) => {
                self.public_url.is_host(&format!("{name}:{ours}"))
            }
            _ => self.public_url.is_host(host),
        }
    }

    /// Whether `origin` (as in an Origin header) is ours, in a request to `host`.
    pub fn is_our_origin(&self, origin: &str, host: Option<&str>) -> bool {
        if !self.is_any_port_ours {
            return self.public_url.is_origin(origin);
        }
        // Another port is another program.
        let asked = host.filter(|host| self.is_our_host(host));
        asked.is_some_and(|host| origin.strip_prefix("http://") == Some(host))
    }

    /// Whether forwarding headers of this peer are believed; `None` is a unix socket.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        self.trusted_proxies.iter().any(|proxy| proxy.covers(peer))
    }
}

/// Below each of the choices that OWASP calls equal, of which m=7168,t=5 has the least work.
pub fn is_cheap(params: &argon2::Params) -> bool {
    params.m_cost().saturating_mul(params.t_cost()) < 7168 * 5
}

/// Variables that look like settings and are none, for a warning: container platforms make
/// such variables by themselves, so they are no error.
pub fn unknown_variables() -> Vec<String> {
    let others = ["ROLECALL_DATABASE_URL", "ROLECALL_CONFIG", "ROLECALL_LOG"];
    let is_known =
        |name: &String| VARIABLES.contains(&name.as_str()) || others.contains(&name.as_str());
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("ROLECALL_") && !is_known(name)).collect()
}

fn read_file(path: &std::path::Path) -> Result<Chosen, ConfigError> {
    let path = path.to_path_buf();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(reason) => return Err(ConfigError::Unreadable { path, reason }),
    };
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start].lines().count().max(1));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        ConfigError::Wrong { path, reason: format!("{place}{}", first_line(error.message())) }
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
