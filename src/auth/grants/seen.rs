//! What a page showed of grants, so that its form does not undo what came meanwhile.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};

use crate::db::grants::Grant;

/// The roles whose grants it showed, each with a digest of the grant. Of any other role it showed
/// that it is not granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<String, String>);

impl Seen {
    pub fn of<'a>(grants: impl IntoIterator<Item = &'a Grant>) -> Self {
        Self(grants.into_iter().map(|grant| (grant.role_name.clone(), digest(grant))).collect())
    }

    /// Reads what is written into a form. What cannot be read was not shown.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(role, digest)| (role.to_owned(), digest.to_owned())).collect())
    }

    /// The same with what there is of one role by now.
    pub fn with(mut self, role: &str, held: Option<&Grant>) -> Self {
        self.0.remove(role);
        self.0.extend(held.map(|grant| (role.to_owned(), digest(grant))));
        self
    }

    /// Whether this is what it showed of the role: the grant that holds, if there is one.
    pub fn is_now(&self, role: &str, held: Option<&Grant>) -> bool {
        self.0.get(role).cloned() == held.map(digest)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pairs: Vec<_> =
            self.0.iter().map(|(role, digest)| format!("{role}={digest}")).collect();
        f.write_str(&pairs.join(","))
    }
}

fn digest(grant: &Grant) -> String {
    let ends_at = grant.ends_at.map(|end| end.unix_timestamp());
    let granted_at = grant.granted_at.unix_timestamp();
    let digest = Sha256::digest(format!("{granted_at} {ends_at:?} {}", grant.reason));
    BASE64.encode(&digest[..9])
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};
    use uuid::Uuid;

    use super::{Grant, Seen};
    use crate::db::UserId;

    #[test]
    fn whatever_is_changed_of_a_grant_is_noticed_through_a_form() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let grant = |role: &str| Grant {
            user_id: UserId(Uuid::nil()),
            role_name: role.to_owned(),
            granted_at: at,
            granted_by: "system".to_owned(),
            granted_by_id: None,
            reason: "a, b=c".to_owned(),
            ends_at: Some(at + Duration::DAY),
        };
        let (editor, reader) = (grant("editor"), grant("team.read-er_1"));
        let seen = Seen::parse(&Seen::of([&editor, &reader]).to_string());
        assert_eq!(seen, Seen::of([&reader, &editor]));
        for same in [&editor, &reader] {
            assert!(seen.is_now(&same.role_name, Some(same)));
            assert!(!seen.is_now(&same.role_name, None), "it is gone");
            assert!(!seen.is_now("writer", Some(same)), "it is new");
            for other in [
                Grant { granted_at: at + Duration::SECOND, ..same.clone() },
                Grant { reason: String::new(), ..same.clone() },
                Grant { ends_at: None, ..same.clone() },
                Grant { ends_at: Some(at + Duration::SECOND), ..same.clone() },
            ] {
                assert!(!seen.is_now(&same.role_name, Some(&other)), "{other:?}");
            }
        }
        let now = Seen::default().with("editor", Some(&editor)).with("reader", Some(&reader));
        assert!(now.is_now("editor", Some(&editor)) && now.is_now("reader", Some(&reader)));
        assert!(now.with("editor", None).is_now("editor", None));
        for text in ["", "garbage", "=,=,,", "writer"] {
            assert!(Seen::parse(text).is_now("writer", None), "{text:?}");
        }
    }
}
