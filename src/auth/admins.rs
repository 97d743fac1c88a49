//! The last-admin rule: there is always one active admin who can log in and whose role has no
//! end. Whatever could break it stands between [`watch`] and [`Watch::settle`].

use super::{Refusal, Result};
use crate::db::{Tx, grants, turns};

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
