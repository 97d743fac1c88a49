//! Who holds a role: a line of its page, and as CSV.

use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use uuid::Uuid;

use super::{Error, csv, pages::admin_roles::HolderLine, people};
use crate::{
    app::App,
    db::{grants, roles as rows},
    text,
};

/// Lines of a CSV read at once.
const BATCH: i64 = 1000;

pub fn line(grant: &grants::Named) -> HolderLine {
    HolderLine {
        user_id: grant.user_id.to_string(),
        granted: text::time(grant.granted_at),
        by: people::granter(grant),
        until: grant.ends_at.map(text::time),
        username: grant.username.clone(),
        reason: text::shortened(&grant.reason, 160),
    }
}

/// Who has the role, since when, by whom, why and until when.
pub async fn as_csv(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Error> {
    let all = rows::list(&app.db).await?;
    if !all.iter().any(|role| role.name == name) {
        return Err(Error::NotFound);
    }
    let mut file = csv::File::new(&["user", "role", "since", "by", "reason", "until"]);
    let mut after = Uuid::nil();
    loop {
        let holders = grants::list_holders(&app.db, &name, after, BATCH, app.now()).await?;
        let Some(last) = holders.last() else { break };
        after = last.user_id.0;
        for grant in &holders {
            let by = people::granter_in_full(grant);
            let since = csv::time(Some(grant.granted_at));
            let until = csv::time(grant.ends_at);
            file.row(&[&grant.username, &grant.role_name, &since, &by, &grant.reason, &until]);
        }
    }
    Ok(file.into_response(&format!("{name}-holders.csv")))
}
