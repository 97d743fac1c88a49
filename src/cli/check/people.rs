//! Admins: that there is more than one, and that they can sign in.

use super::Report;
use crate::{
    clock::Clock,
    db::{Db, grants},
    text::list,
};

/// As many names as a line has room for, and one more.
const MOST: i64 = 9;

pub async fn look(report: &mut Report, db: &Db, clock: &Clock) {
    if let Err(error) = admins(report, db, clock).await {
        report.fail("admins", error.to_string(), "restore a backup");
    }
}

async fn admins(report: &mut Report, db: &Db, clock: &Clock) -> sqlx::Result<()> {
    const TOPIC: &str = "admins";
    let now = clock.now();
    let mut tx = db.begin_read().await?;
    let lasting = grants::count_lasting_admins(&mut tx).await?;
    let without = grants::list_admins_without_password(&mut tx, now, MOST).await?;
    match lasting {
        0 => report.warn(
            TOPIC,
            "nobody who can sign in is an admin for good",
            "rolecall user add NAME --role admin --invite",
        ),
        1 => report.warn(
            TOPIC,
            "there is one: who loses that password needs this terminal",
            "make a second: rolecall user add NAME --role admin --invite",
        ),
        more => report.ok(TOPIC, format!("{more} who can sign in")),
    }
    if !without.is_empty() {
        report.warn(
            TOPIC,
            format!("without a password: {}", list(&without)),
            "send a link (rolecall user link NAME), or rolecall revoke NAME admin",
        );
    }
    Ok(())
}
