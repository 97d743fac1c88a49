//! The command line: everything that the pages do, offline or beside a running server. It is
//! the system: exempt from "who may change whom", bound by every other rule.

mod audit;
mod backup;
mod check;
mod copy;
mod files;
mod grant;
mod import;
mod interrupt;
mod key;
mod migrate;
mod output;
mod password;
mod progress;
mod role;
mod routes;
mod seed;
mod serve;
mod session;
mod throttle;
mod user;

use std::{path::PathBuf, process::ExitCode, sync::OnceLock};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    app::{App, Migrate, OpenError},
    auth::{self, Actor, By},
    clock::Clock,
    config::{Chosen, ConfigError, Settings},
    random::Random,
};

/// Login, sessions, users and roles for your application.
#[derive(Parser)]
#[command(name = "rolecall", version, arg_required_else_help = true)]
struct Cli {
    /// Database: sqlite://FILE or postgres://… [env: ROLECALL_DATABASE_URL, else DATABASE_URL]
    /// [default: sqlite://rolecall.db]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Settings file (TOML)
    #[arg(long, global = true, env = "ROLECALL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages and the checks
    Serve {
        #[command(flatten)]
        settings: Box<Chosen>,
        /// Refuse a database whose schema is not up to date instead of migrating it
        #[arg(long)]
        no_migrate: bool,
    },
    /// Bring the database to the schema of this version
    Migrate {
        /// Only say what would be applied; exit 3 if there is something
        #[arg(long)]
        check: bool,
    },
    /// Users: add, list, change, remove
    #[command(subcommand)]
    User(user::Command),
    /// Roles: what they permit and include
    #[command(subcommand)]
    Role(role::Command),
    /// Grant a role to a user, or change the end and reason of a grant
    Grant(grant::Grant),
    /// Take a role from a user
    Revoke { user: String, role: String },
    /// Say whether a user has a role or permission, and through what; exit 1 for no
    Explain {
        user: String,
        #[arg(value_name = "ROLE-or-PERMISSION")]
        what: String,
    },
    /// Make permissions, roles, users and grants as a file says
    Seed(seed::Seed),
    /// Take users with their password hashes from another program
    Import(import::Import),
    /// Sessions: list, end
    #[command(subcommand)]
    Session(session::Command),
    /// Failed tries: list, clear
    #[command(subcommand)]
    Throttle(throttle::Command),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// The keys that sign cookies
    #[command(subcommand)]
    Key(key::Command),
    /// List every route with what it requires
    Routes {
        #[arg(long)]
        json: bool,
    },
    /// Look whether settings, files, database and clock are as they should be; changes nothing, exit
    /// 1 for a finding
    Check(Box<check::Check>),
    /// Write a copy of the SQLite database to a new file, beside a running server
    Backup {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Copy everything into another, empty database, of either engine; stop the servers first
    Copy(copy::Copy),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// Why a command ends with another exit code than 0.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Schema(#[from] crate::db::SchemaError),
    #[error(transparent)]
    Copy(#[from] crate::db::copy::CopyError),
    #[error(transparent)]
    Auth(#[from] auth::Error),
    #[error(transparent)]
    Rotate(#[from] auth::key::RotateError),
    #[error(transparent)]
    Serve(#[from] crate::web::ServeError),
    #[error("cannot read or write: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Other(String),
    /// A finding, already told: exit 1.
    #[error("")]
    Finding,
    /// There is a difference or pending work, already told: exit 3.
    #[error("")]
    Pending,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Auth(error.into())
    }
}

impl From<auth::Refusal> for Failure {
    fn from(refusal: auth::Refusal) -> Self {
        Self::Auth(refusal.into())
    }
}

impl From<auth::name::NameError> for Failure {
    fn from(error: auth::name::NameError) -> Self {
        Self::Auth(error.into())
    }
}

type Outcome = Result<(), Failure>;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(error.into())),
    };
    report(runtime.block_on(run(cli)))
}

fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has read enough.
        Err(Failure::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Finding) => ExitCode::FAILURE,
        Err(Failure::Pending) => ExitCode::from(3),
        Err(error) => {
            eprintln!("rolecall: {}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

/// Which database, and which settings file.
struct Place {
    database_url: String,
    config: Option<PathBuf>,
    /// What a command opened.
    opened: OnceLock<App>,
}

impl Place {
    /// Opens the database for a command at the terminal.
    async fn open(&self) -> Result<App, Failure> {
        self.open_by(Settings::of_environment(self.config.as_deref())?).await
    }

    /// The same with other settings than those of the environment.
    async fn open_by(&self, settings: Settings) -> Result<App, Failure> {
        // It answers no request, so there is nothing to trace.
        let settings = Settings { otlp_endpoint: None, ..settings };
        let app = self.open_with(settings, Migrate::Apply).await?;
        Ok(self.opened.get_or_init(|| app).clone())
    }

    /// Seals the records of a command that wrote some: there may be no server that does.
    async fn leave(&self) {
        let Some(app) = self.opened.get().filter(|app| app.pen.has_recorded()) else { return };
        if let Err(error) = auth::trail::seal_before_leaving(app).await {
            eprintln!(
                "rolecall: the audit records of this command are not sealed yet, which a server or the next command does: {error}"
            );
        }
    }

    async fn open_with(&self, settings: Settings, migrate: Migrate) -> Result<App, Failure> {
        let (clock, random) = (Clock::system(), Random::system());
        Ok(App::open(&self.database_url, settings, migrate, clock, random).await?)
    }
}

async fn run(cli: Cli) -> Outcome {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = cli.database_url;
    let url =
        url.or_else(|| variable("ROLECALL_DATABASE_URL")).or_else(|| variable("DATABASE_URL"));
    let place = Place {
        database_url: url.unwrap_or_else(|| "sqlite://rolecall.db".to_owned()),
        config: cli.config,
        opened: OnceLock::new(),
    };
    let outcome = run_at(&place, cli.command).await;
    place.leave().await;
    outcome
}

async fn run_at(place: &Place, command: Command) -> Outcome {
    match command {
        Command::Serve { settings, no_migrate } => serve::run(place, *settings, no_migrate).await,
        Command::Migrate { check } => migrate::run(place, check).await,
        Command::User(command) => user::run(place, command).await,
        Command::Role(command) => role::run(place, command).await,
        Command::Grant(grant) => grant::grant(place, grant).await,
        Command::Revoke { user, role } => grant::revoke(place, &user, &role).await,
        Command::Explain { user, what } => grant::explain(place, &user, &what).await,
        Command::Seed(command) => seed::run(place, command).await,
        Command::Import(command) => import::run(place, command).await,
        Command::Session(command) => session::run(place, command).await,
        Command::Throttle(command) => throttle::run(place, command).await,
        Command::Audit(command) => audit::run(place, command).await,
        Command::Key(command) => key::run(place, command).await,
        Command::Routes { json } => routes::run(place, json),
        Command::Check(check) => check::run(place, *check).await,
        Command::Backup { file } => backup::run(place, &file).await,
        Command::Copy(copy) => copy::run(place, copy).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rolecall", &mut script);
            output::write(&script)
        }
    }
}

/// Beside a link: that its address is a guess, if it is one.
fn tell_assumed_address(app: &App) {
    let Settings { public_url, is_public_url_assumed, .. } = &app.settings;
    if *is_public_url_assumed {
        eprintln!(
            "The link assumes that people reach rolecall at {public_url}. If not, set public_url: \
             ROLECALL_PUBLIC_URL=https://login.example.com"
        );
    }
}

/// Whoever sits at the terminal, as the audit trail names them.
fn operator() -> By {
    By::new(Actor::Cli(whoami::username()))
}
