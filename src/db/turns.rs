//! Rules that span rows: a transaction takes the rule's turn first and is alone with it until
//! it ends, on both engines.

use super::{Tx, sql};

/// That an admin remains.
pub const ADMINS: &str = "admins";
/// That no role includes itself.
pub const INCLUDES: &str = "includes";
/// Which keys are in use.
pub const KEYS: &str = "keys";
/// Who may do what: [`super::revision`].
pub const REVISION: &str = "revision";
/// How the chain of the trail goes on.
pub const SEALS: &str = "seals";

/// Waits until no other transaction has the turn of `rule`, and has it until `tx` ends.
pub async fn take(tx: &mut Tx, rule: &str) -> sqlx::Result<()> {
    sql!(in tx, execute: "update turns set taken = taken + 1 where name = $1", rule).map(|_| ())
}
