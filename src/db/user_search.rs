//! Finding users by the beginning of a name or e-mail, with filters, a page at a time.

use time::{OffsetDateTime, macros::datetime};

use super::{Db, UserId, grants, sql, tallies, users::Status};

/// What to look for.
#[derive(Debug, Clone)]
pub struct Search {
    /// Beginning of a name or e-mail, as keys have it; empty: any.
    pub prefix: String,
    /// Role held by a grant; empty: any.
    pub role: String,
    /// `active`, `disabled`; empty: any.
    pub status: String,
    pub login: LastLogin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLogin {
    Any,
    Never,
    /// At this time or later.
    Since(OffsetDateTime),
    /// Before this time, or never.
    NotSince(OffsetDateTime),
}

impl LastLogin {
    /// Whether never counts, and from when until when.
    fn bounds(self) -> (bool, OffsetDateTime, OffsetDateTime) {
        const FIRST: OffsetDateTime = datetime!(1970-01-01 0:00 UTC);
        const LAST: OffsetDateTime = datetime!(9999-12-31 0:00 UTC);
        match self {
            Self::Any => (true, FIRST, LAST),
            Self::Never => (true, FIRST, FIRST),
            Self::Since(at) => (false, at, LAST),
            Self::NotSince(at) => (true, FIRST, at),
        }
    }
}

/// A user who was found, with the key that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub key: Vec<u8>,
    pub id: UserId,
    pub status: Status,
    pub username: String,
    pub email: Option<String>,
    pub display_name: String,
    pub last_login_at: Option<OffsetDateTime>,
}

/// What a page of users shows, and where the next one goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub users: Vec<Found>,
    /// There may be more after this key.
    pub next: Option<Vec<u8>>,
}

/// A set of users this small is looked through first, else the keys are, in their order.
const SMALL: i64 = 3000;
/// So many keys are looked through for a page, however few of them are found: filters that
/// hardly anybody meets would take as long as there are users.
const WINDOW: i64 = 2500;

// Each user once: by the name if that begins so, else by the e-mail. The joins name their order
// (`cross join`), since SQLite has no statistics to choose it by.
macro_rules! find {
    ($db:expr, $from:literal, $and:literal, $search:expr, $after:expr, $limit:expr, $now:expr
        $(, $until:expr)?) => {{
        let (low, high) = range(&$search.prefix);
        let (low, high) = (low.as_slice(), high.as_slice());
        // One lower bound: of two, SQLite may walk from the lesser.
        let from = first_after($after, low);
        let from = from.as_slice();
        let (never, since, before) = $search.login.bounds();
        sql!($db, fetch_all Found:
            r#"select k.key as "key!: Vec<u8>", u.id as "id: UserId", u.status as "status: Status",
                      u.username, u.email, u.display_name,
                      u.last_login_at as "last_login_at: OffsetDateTime" "# + $from + r#"
               where k.user_id = u.id and "# + $and + r#" k.key >= $3 and k.key < $2
                 and (k.kind = 'name' or not exists
                      (select 1 from login_keys n where n.user_id = k.user_id
                       and n.kind = 'name' and n.key >= $1 and n.key < $2))
                 and ($4 = '' or u.status = $4)
                 and ($5 = '' or exists
                      (select 1 from grants g where g.user_id = u.id and g.role_name = $5
                       and (g.ends_at is null or g.ends_at > $6)))
                 and ((u.last_login_at is null and $7)
                      or (u.last_login_at >= $8 and u.last_login_at < $9))
               order by k.key limit $10"#,
            low, high, from, $search.status, $search.role, $now, never, since, before, $limit
            $(, $until)?)
    }};
}

/// A page of at most `size` users after the key `after` (empty for the first page), by key.
pub async fn list(
    db: &Db,
    search: &Search,
    after: &[u8],
    size: usize,
    now: OffsetDateTime,
) -> sqlx::Result<Page> {
    let limit = size as i64 + 1;
    let is_rare_role = !search.role.is_empty()
        && grants::count_holders(db, &search.role, SMALL, now).await? < SMALL;
    let mut users = if is_rare_role {
        find!(
            db,
            "from grants d cross join users u cross join login_keys k",
            "d.user_id = u.id and d.role_name = $5 and d.end_recorded = false and",
            search,
            after,
            limit,
            now
        )?
    } else if search.status == "disabled" && tallies::find(db, tallies::DISABLED).await? < SMALL {
        find!(
            db,
            "from users u cross join login_keys k",
            "u.status = $4 and",
            search,
            after,
            limit,
            now
        )?
    } else {
        return list_by_key(db, search, after, size, now).await;
    };
    let next = cut(&mut users, size);
    Ok(Page { users, next })
}

/// The same by looking through the keys in their order, up to the end of the window.
async fn list_by_key(
    db: &Db,
    search: &Search,
    after: &[u8],
    size: usize,
    now: OffsetDateTime,
) -> sqlx::Result<Page> {
    let limit = size as i64 + 1;
    // Everybody has a name, so without a beginning the e-mails need not be looked at.
    let is_any = search.prefix.is_empty();
    let end = find_end(db, search, after).await?;
    let until = end.clone().unwrap_or_else(|| range(&search.prefix).1);
    let until = until.as_slice();
    let mut users = if is_any {
        find!(
            db,
            "from login_keys k cross join users u",
            "k.kind = 'name' and k.key <= $11 and",
            search,
            after,
            limit,
            now,
            until
        )?
    } else {
        find!(
            db,
            "from login_keys k cross join users u",
            "k.key <= $11 and",
            search,
            after,
            limit,
            now,
            until
        )?
    };
    let next = cut(&mut users, size).or(end);
    Ok(Page { users, next })
}

/// The last key of the window; `None` when all that are left are fewer.
async fn find_end(db: &Db, search: &Search, after: &[u8]) -> sqlx::Result<Option<Vec<u8>>> {
    let last = WINDOW - 1;
    let (low, high) = range(&search.prefix);
    let from = first_after(after, &low);
    let (from, high) = (from.as_slice(), high.as_slice());
    if search.prefix.is_empty() {
        return sql!(db, fetch_optional scalar:
            r#"select key as "key!: Vec<u8>" from login_keys
               where kind = 'name' and key >= $1 order by key limit 1 offset $2"#, from, last);
    }
    sql!(db, fetch_optional scalar:
        r#"select key as "key!: Vec<u8>" from login_keys
           where key >= $1 and key < $2 order by key limit 1 offset $3"#,
        from, high, last)
}

/// The least key that comes after `after` and is not less than `low`.
fn first_after(after: &[u8], low: &[u8]) -> Vec<u8> {
    match after {
        [] => low.to_vec(),
        after => low.to_vec().max([after, &[0]].concat()),
    }
}

/// Takes away what does not fit on the page; returns the key that it ends with, if there was any.
fn cut(users: &mut Vec<Found>, size: usize) -> Option<Vec<u8>> {
    let has_more = users.len() > size;
    users.truncate(size);
    users.last().filter(|_| has_more).map(|last| last.key.clone())
}

/// The keys that begin with `prefix`: from, and up to without.
fn range(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let low = prefix.as_bytes().to_vec();
    let mut high = low.clone();
    // UTF-8 never holds 0xff, so the last byte can grow.
    match high.last_mut() {
        Some(last) => *last += 1,
        None => high.push(0xff),
    }
    (low, high)
}
