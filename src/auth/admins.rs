//! The last-admin rule: there is always one active admin who can log in and whose role has no
//! end. Whatever could break it stands between [`watch`] and [`Watch::settle`].

use super::{Refusal, Result, name::ADMIN};
use crate::{
    app::App,
    db::{
        Tx, grants, turns,
        users::{Status, User},
    },
};

/// Says what to do with the change: settle it before the commit.
#[must_use = "without settling it, the rule is not kept"]
pub struct Watch {
    had_one: bool,
}

/// Takes the rule's turn, so that no other change of admins happens until `tx` ends.
pub async fn watch(tx: &mut Tx) -> Result<Watch> {
    turns::take(tx, turns::ADMINS).await?;
    let had_one = grants::count_lasting_admins(tx).await? > 0;
    Ok(Watch { had_one })
}

impl Watch {
    /// # Errors
    /// [`Refusal::LastAdmin`] when there was such an admin and now is none; drop the
    /// transaction then.
    pub async fn settle(self, tx: &mut Tx) -> Result<()> {
        if self.had_one && grants::count_lasting_admins(tx).await? == 0 {
            return Err(Refusal::LastAdmin.into());
        }
        Ok(())
    }
}

/// Whether this user is the only such admin at this moment, and so cannot be spared.
pub async fn is_last(app: &App, user: &User) -> Result<bool> {
    if user.status != Status::Active || user.password_hash.is_none() {
        return Ok(false);
    }
    let mut tx = app.db.begin_read().await?;
    let grant = grants::find(&mut tx, user.id, ADMIN).await?;
    let is_one = grant.is_some_and(|grant| grant.ends_at.is_none());
    Ok(is_one && grants::count_lasting_admins(&mut tx).await? == 1)
}
