//! `check`: whether settings, files, database, clock and people are as they should be, a line
//! each with what to do. Only looks.

mod database;
mod engine;
mod files;
mod people;
mod pooler;
mod reach;
mod settings;

use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, Place, output};
use crate::{
    clock::Clock,
    config::{Chosen, Pooler, Settings},
    db,
};

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    settings: Chosen,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    /// It works, and something about it is weak.
    Warn,
    /// It does not work, or not as it must.
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

struct Line {
    level: Level,
    /// What was looked at.
    topic: &'static str,
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

/// What was found so far.
#[derive(Default)]
struct Report(Vec<Line>);

impl Report {
    fn ok(&mut self, topic: &'static str, found: impl Into<String>) {
        self.add(Level::Ok, topic, found, None);
    }

    fn warn(&mut self, topic: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Warn, topic, found, Some(advice.into()));
    }

    fn fail(&mut self, topic: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Fail, topic, found, Some(advice.into()));
    }

    fn add(
        &mut self,
        level: Level,
        topic: &'static str,
        found: impl Into<String>,
        advice: Option<String>,
    ) {
        self.0.push(Line { level, topic, found: found.into(), advice });
    }

    fn tell(&self, json: bool) -> Outcome {
        if json {
            let lines = self.0.iter().map(|line| {
                json!({
                    "level": line.level.word().to_lowercase(),
                    "topic": line.topic,
                    "found": line.found,
                    "advice": line.advice,
                })
            });
            output::json(&lines.collect())?;
        } else {
            for line in &self.0 {
                let advice = line.advice.as_ref().map(|advice| format!("  — {advice}"));
                let found = format!("{}: {}{}", line.topic, line.found, advice.unwrap_or_default());
                output::line(&format!("{:<4}  {}", line.level.word(), output::clean(&found)))?;
            }
        }
        match self.0.iter().all(|line| line.level == Level::Ok) {
            true => Ok(()),
            false => Err(Failure::Finding),
        }
    }
}

pub async fn run(place: &Place, check: Check) -> Outcome {
    let mut report = Report::default();
    let url = &place.database_url;
    let sqlite_file = db::sqlite_file(url).ok().flatten();
    let loaded = Settings::load(check.settings, place.config.as_deref());
    let settings = match loaded {
        Ok(settings) => Some(settings),
        Err(error) => {
            report.fail("settings", error.to_string(), "correct it; nothing starts before");
            None
        }
    };
    files::config(&mut report, place.config.as_deref());
    if let Some(settings) = &settings {
        settings::look(&mut report, settings);
        reach::listen(&mut report, &settings.listen).await;
    }
    let is_in_reach = sqlite_file.as_ref().is_none_or(|file| files::database(&mut report, file));
    let set = settings.as_ref().map_or(Pooler::Off, |settings| settings.postgres_pooler);
    pooler::look(&mut report, url, set).await;
    let db = match is_in_reach {
        true => database::open(&mut report, url, set, sqlite_file.as_deref()).await,
        false => None,
    };
    let clock = Clock::system();
    let mut ids = Vec::new();
    if let Some(db) = &db {
        engine::look(&mut report, url, db, &clock).await;
        if database::is_current(&mut report, db).await {
            ids = database::key_ids(&mut report, db).await;
            people::look(&mut report, db, &clock).await;
        }
        db.close().await;
    } else if !clock.works() {
        report.fail("clock", "it shows a time before 1970", "set it");
    }
    if let Some(settings) = &settings {
        files::keys(&mut report, &crate::app::key_file(settings, sqlite_file.as_deref()), &ids);
    }
    report.tell(check.json)
}
