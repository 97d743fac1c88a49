//! Why somebody may do something, or may not, in sentences.

use super::{Error, pages::admin::Explained, people};
use crate::{
    app::App,
    auth::{
        self,
        explain::{self, Explanation},
    },
    db::{grants as grant_rows, users::User},
    text,
};

/// Whether the user has this role or permission, and through what.
pub async fn explained(app: &App, user: &User, asked: &str) -> Result<Explained, Error> {
    use text::explain as words;
    let no = |line: String| Explained { yes: false, lines: vec![line] };
    let answer = match explain::explain(app, user, asked).await {
        Ok(answer) => answer,
        Err(auth::Error::Refused(refusal)) => return Ok(no(text::refusal::sentence(&refusal))),
        Err(error) => return Err(error.into()),
    };
    Ok(match answer {
        Explanation::No => no(words::NO.to_owned()),
        Explanation::Disabled => no(words::DISABLED.to_owned()),
        Explanation::Ended(grant) => {
            let end = grant.ends_at.map(text::time).unwrap_or_default();
            no(words::ended(&grant.role_name, &end))
        }
        Explanation::Yes { grant, through } => {
            let named = grant_rows::list_named(&app.db, user.id).await?;
            let named = named.iter().find(|named| named.role_name == grant.role_name);
            let (by, until) = (named.map(people::granter), grant.ends_at.map(text::time));
            let mut lines = vec![words::granted(
                &user.username,
                &grant.role_name,
                &by.unwrap_or_default(),
                &text::time(grant.granted_at),
                until.as_deref(),
                &grant.reason,
            )];
            let steps = through.windows(2).map(|pair| words::includes(&pair[0], &pair[1]));
            lines.extend(shortened(steps.collect()));
            let last = through.last().filter(|last| *last != asked);
            lines.extend(last.map(|last| words::permits(last, asked)));
            Explained { yes: true, lines }
        }
    })
}

/// A long way through roles, by its two ends.
fn shortened(mut steps: Vec<String>) -> Vec<String> {
    const END: usize = 10;
    if steps.len() > 2 * END {
        let middle = steps.len() - 2 * END;
        steps.splice(END..END + middle, [text::paging::and_more(middle)]);
    }
    steps
}
