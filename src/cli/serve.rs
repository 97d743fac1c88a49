//! `serve`: the pages and checks, until a signal says stop.

use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Outcome, Place, files, output, tell_assumed_address};
use crate::{
    app::{App, Migrate},
    auth::{Actor, By, link},
    config::{self, Chosen, OnOff, Settings},
    telemetry, web,
};

pub async fn run(place: &Place, flags: Chosen, no_migrate: bool) -> Outcome {
    let mut settings = Settings::load(flags, place.config.as_deref())?;
    telemetry::init(settings.log_format);
    for name in config::unknown_variables() {
        tracing::warn!(name, "this variable is no setting of rolecall");
    }
    if settings.password_min_length < config::ADVISED_PASSWORD_LENGTH {
        tracing::warn!(
            password_min_length = settings.password_min_length,
            "passwords under 15 characters are weak as the only factor (NIST SP 800-63B-4)"
        );
    }
    if settings.throttle == OnOff::Off {
        tracing::warn!("throttle is off: passwords may be guessed as fast as they are hashed");
    }
    settings.max_connections = files::make_room(settings.max_connections);
    let listener = web::listen(&settings.listen).await?;
    settings.listening_on(listener.address());
    let metrics = match &mut settings.metrics_listen {
        Some(listen) => {
            let listener = web::listen_for_metrics(listen).await?;
            *listen = listener.address();
            Some(listener)
        }
        None => None,
    };
    let migrate = if no_migrate { Migrate::Refuse } else { Migrate::Apply };
    let app = place.open_with(settings, migrate).await?;
    // Signals are listened for before anybody is told that we are there.
    let stop = stop()?;
    let setup = setup_message(&app).await?;
    let Settings { listen, public_url, .. } = &app.settings;
    if config::is_cheap(&app.settings.argon2) {
        tracing::warn!("argon2 is set cheaper than OWASP advises: passwords are guessed sooner");
    }
    if let Some(listen) = &app.settings.metrics_listen {
        tracing::info!(address = %listen, "serving metrics");
        if listen.is_open() {
            tracing::warn!("whoever reaches that address may read the metrics, which has no login");
        }
    }
    if let Some(collector) = &app.settings.otlp_endpoint {
        tracing::info!(%collector, "sending traces");
    }
    tracing::info!(address = %listen, %public_url, "listening");
    if let Some(message) = setup {
        tell_assumed_address(&app);
        output::line(&message)?;
    }
    let metrics = metrics.map(|door| tokio::spawn(web::serve_metrics(app.clone(), door)));
    web::serve(app, listener, stop).await;
    metrics.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// What to do first, while there is no admin. The link is for eyes at a terminal; anywhere
/// else it would be kept in a log.
async fn setup_message(app: &App) -> Result<Option<String>, Failure> {
    if !std::io::stdout().is_terminal() {
        if link::is_setup_due(app).await? {
            tracing::warn!(
                "there is no admin yet; make one: rolecall user add NAME --role admin --invite"
            );
        }
        return Ok(None);
    }
    let token = link::make_setup(app, &By::new(Actor::System)).await?;
    Ok(token.map(|token| {
        format!(
            "\nThere is no admin yet. Open this link within an hour to make the first one:\n\n  {}\n",
            link::url(app, token)
        )
    }))
}

fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
