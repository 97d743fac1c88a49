//! Fills a database in bulk: what a program would have written over three months, made by the
//! database itself in one transaction. One text for both engines but for a few words.

use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Outcome, databases::Place};

/// How much there is of each thing.
#[derive(Clone, Copy)]
pub struct Size {
    pub users: u64,
    pub sessions: u64,
    pub records: u64,
}

/// Whom the program has made, who does things in the filled database.
pub struct People {
    pub admin: Uuid,
}

/// Words that the engines do not share.
struct Dialect {
    /// A UUIDv7 of a time in ms, a kind and a number.
    id: fn(&str, u8, &str) -> String,
    /// A time of seconds since 1970.
    time: fn(&str) -> String,
    day: &'static str,
    bytes: fn(&str) -> String,
    /// An id as people write it.
    shown: fn(&str) -> String,
    literal: fn(Uuid) -> String,
}

const SQLITE: Dialect = Dialect {
    id: |ms, kind, n| {
        format!("unhex(printf('%012x', {ms}) || '700{kind}8000' || printf('%012x', {n}))")
    },
    time: |seconds| format!("strftime('%Y-%m-%dT%H:%M:%SZ', {seconds}, 'unixepoch')"),
    day: "substr(at, 1, 10)",
    bytes: |text| format!("cast({text} as blob)"),
    shown: |id| {
        let part = |from, length| format!("substr(lower(hex({id})), {from}, {length})");
        [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ")
    },
    literal: |id| format!("x'{}'", id.simple()),
};

const POSTGRES: Dialect = Dialect {
    id: |ms, kind, n| {
        let hex = |number: &str| format!("lpad(to_hex({number}), 12, '0')");
        format!("({} || '700{kind}8000' || {})::uuid", hex(ms), hex(n))
    },
    time: |seconds| format!("to_timestamp({seconds})"),
    day: "to_char(at at time zone 'UTC', 'YYYY-MM-DD')",
    bytes: |text| format!("convert_to({text}, 'UTF8')"),
    shown: |id| format!("{id}::text"),
    literal: |id| format!("'{id}'::uuid"),
};

/// Fills the migrated database of `place`.
pub async fn fill(place: &Place, size: Size, people: &People, now: OffsetDateTime) -> Outcome {
    if place.url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&place.url).await?;
        let fast = "pragma synchronous = off; pragma foreign_keys = off; \
                    pragma cache_size = -1000000; pragma temp_store = memory";
        connection.execute(fast).await?;
        let sql = "select name, sql from sqlite_master where type = 'index' and sql is not null";
        let indexes = sqlx::query_as(sql).fetch_all(&mut connection).await?;
        connection.execute(&*script(&indexes, statements(&SQLITE, size, people, now))).await?;
        connection.execute("pragma wal_checkpoint(truncate)").await?;
        connection.close().await?;
    } else {
        let mut connection = PgConnection::connect(&place.url).await?;
        // What refers to what is right by construction.
        let fast = "set synchronous_commit = off; set work_mem = '256MB'; \
                    set maintenance_work_mem = '512MB'; set session_replication_role = replica";
        connection.execute(fast).await?;
        let sql = "select indexname::text, indexdef from pg_indexes
                   where schemaname = current_schema()
                     and indexname not like '%\\_pkey' and indexname not like '%\\_key'";
        let indexes = sqlx::query_as(sql).fetch_all(&mut connection).await?;
        connection.execute(&*script(&indexes, statements(&POSTGRES, size, people, now))).await?;
        // What autovacuum does by itself, within minutes.
        connection.execute("vacuum (analyze)").await?;
        connection.execute("checkpoint").await?;
        connection.close().await?;
    }
    Ok(())
}

/// One transaction without the indexes, which are made again at its end.
fn script(indexes: &[(String, String)], statements: Vec<String>) -> String {
    let drop = indexes.iter().map(|(name, _)| format!("drop index {name}"));
    let again = indexes.iter().map(|(_, sql)| sql.clone());
    let all: Vec<_> = drop.chain(statements).chain(again).collect();
    format!("begin;\n{};\ncommit", all.join(";\n"))
}

const ROLES: u64 = 500;
/// Longest chain of roles that include each other.
const DEEP: u64 = 20;
/// Of the trail, in seconds: 90 days.
const SPAN: u64 = 90 * 24 * 3600;

/// Names, twelve characters each.
const GIVEN: &str = "anna        maria       marco       mark        max         mina        \
                     ben         clara       david       elif        emma        finn        \
                     greta       hanna       ivan        jonas       karl        lena        \
                     lou         noah        ola         paul        quentin     rosa        \
                     sam         tara        ulla        vera        wim         zoe         ";
const FAMILY: &str = "schmidt     schneider   schulz      fischer     weber       meyer       \
                      wagner      becker      hoffmann    koch        bauer       richter     \
                      klein       wolf        neumann     schwarz     braun       hofmann     \
                      zimmermann  krueger     hartmann    lange       werner      krause      ";

fn statements(d: &Dialect, size: Size, people: &People, now: OffsetDateTime) -> Vec<String> {
    let seconds = now.unix_timestamp();
    let mut statements = roles(d, seconds);
    statements.extend(users(d, size, seconds));
    statements.extend(grants(d, size, people, seconds));
    statements.push(sessions(d, size, people, seconds));
    statements.extend(trail(d, size, people, seconds));
    statements.extend(tallies(d));
    statements
}

/// The numbers from 1 to `count`, as `n (i)`.
fn numbers(count: u64) -> String {
    format!(
        "(with recursive n (i) as
              (select cast(1 as bigint) union all select i + 1 from n where i < {count})
          select i from n) n"
    )
}

/// When the first user came, in seconds; the others each ten seconds later.
fn first(now: i64) -> i64 {
    now - 25_000_000
}

/// The id of the user with a number from 1.
pub fn user(now: OffsetDateTime, number: u64) -> Uuid {
    let came = (first(now.unix_timestamp()) as u64 + number * 10) * 1000;
    Uuid::from_u64_pair((came << 16) | 0x7001, (0x8000 << 48) | number)
}

fn user_id(d: &Dialect, now: i64, n: &str) -> String {
    (d.id)(&format!("({} + {n} * 10) * 1000", first(now)), 1, n)
}

fn role(n: &str) -> String {
    format!("'role-' || substr('00' || cast({n} as text), length(cast({n} as text)), 3)")
}

fn roles(d: &Dialect, now: i64) -> Vec<String> {
    let (all, role_i, time) = (numbers(ROLES), role("i"), (d.time)(&now.to_string()));
    vec![
        format!(
            "insert into roles (name, description, created_at)
             select {role_i}, 'What people of part ' || i || ' of the house may do', {time} from {all}"
        ),
        format!(
            "insert into permissions (name, description)
             select 'thing-' || i || ':read', 'See things of kind ' || i from {all}"
        ),
        format!(
            "insert into role_permissions (role_name, permission_name)
             select {role_i}, 'thing-' || ((i * 3 + k) % {ROLES} + 1) || ':read'
             from {all} cross join (select 1 as k union select 2 union select 3) three"
        ),
        // Chains; the head of the first includes the heads of all others.
        format!(
            "insert into role_includes (role_name, included_name)
             select {role_i}, {} from {all} where i % {DEEP} <> 0
             union all select 'role-001', {role_i} from {all} where i > 1 and i % {DEEP} = 1",
            role("(i + 1)")
        ),
        format!(
            "insert into role_grantors (role_name, grantor_name)
             select {role_i}, 'user-manager' from {all}
             union all select {role_i}, {} from {all}",
            role(&format!("((i * 7) % {ROLES} + 1)"))
        ),
    ]
}

fn users(d: &Dialect, size: Size, now: i64) -> Vec<String> {
    let id = user_id(d, now, "i");
    let pick = |list: &str, number: &str| {
        let count = list.len() / 12;
        format!("trim(substr('{list}', cast(({number}) % {count} * 12 + 1 as integer), 12))")
    };
    let given = pick(GIVEN, "i * 7");
    let family = pick(FAMILY, "i / 30");
    let name = format!("{given} || '.' || {family} || '.' || i");
    let email = format!("{family} || '.' || {given} || i || '@example.com'");
    let time = |text: &str| (d.time)(text);
    let created = time(&format!("{} + i * 10", first(now)));
    // One in fifty has never logged in.
    let login = time(&format!("{now} - 3600 - (i * 7919) % 500 * 86400"));
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                8gyVDQsLHX9WFpz0xUvyqV+fB2MCf6Nc6Y0n4OnmNSE";
    vec![
        format!(
            "insert into users (id, status, username, email, display_name, password_hash,
                                session_epoch, created_at, last_login_at)
             select {id}, case when i % 100 = 7 then 'disabled' else 'active' end, {name}, {email},
                    {given} || ' ' || {family}, '{hash}', 0, {created},
                    case when i % 50 = 3 then null else {login} end
             from {}",
            numbers(size.users)
        ),
        format!(
            "insert into login_keys (key, kind, user_id)
             select {}, 'name', id from users where username like '%.%'
             union all select {}, 'email', id from users where email is not null
             order by 1",
            (d.bytes)("username"),
            (d.bytes)("email")
        ),
    ]
}

/// Everybody has `user`; two thirds one of many roles; one in three had a trial, which has
/// ended for most; some have a role of five thousand, of a hundred thousand, or of three people.
fn grants(d: &Dialect, size: Size, people: &People, now: i64) -> Vec<String> {
    let insert = "insert into grants (user_id, role_name, granted_at, granted_by, granted_by_id,
                                      reason, ends_at, end_recorded)";
    let (id, time) = (user_id(d, now, "i"), |text: String| (d.time)(&text));
    let granted = time(format!("{now} - 1000000 - i % 1000000"));
    let (all, admin) = (numbers(size.users), (d.literal)(people.admin));
    let later = time(format!("{now} + 7200 + (i * 7919) % 15000000"));
    let earlier = time(format!("{now} - 100 - (i * 7919) % 7000000"));
    let many = role("((i * 31) % 450 + 1)");
    let some = |name: &str, which: &str| {
        format!(
            "{insert} select {id}, '{name}', {granted}, 'user', {admin}, 'Team of the north', null,
                             false
             from {all} where {which}"
        )
    };
    vec![
        some("user", "true"),
        format!(
            "{insert} select {id}, {many}, {granted}, 'cli:root', null, '',
                             case when i % 10 = 9 then {later} end, false
             from {all} where i % 3 <> 0"
        ),
        format!(
            "{insert} select {id}, 'role-500', {granted}, 'system', null, 'Trial of 30 days',
                             case when i % 60 = 0 then {later} else {earlier} end, i % 60 <> 0
             from {all} where i % 3 = 0"
        ),
        some("role-451", "i % 200 = 11"),
        some("role-452", "i % 10 = 4"),
        some("role-453", "i in (90, 500, 910)"),
    ]
}

/// A thousand of the admin, or a tenth; the others of as many users.
fn sessions(d: &Dialect, size: Size, people: &People, now: i64) -> String {
    let time = |text: &str| (d.time)(text);
    let (of_admin, every) = ((size.sessions / 10).min(1000), size.users / size.sessions);
    let (id, digest) =
        ((d.id)(&format!("({now} - 36000 + i % 36000) * 1000"), 2, "i"), "digest-of-a-session-");
    format!(
        "insert into sessions (id, digest, user_id, remember, created_at, last_seen_at,
                               idle_expires_at, absolute_expires_at, ip, user_agent)
         select {id}, '{digest}' || ((i * 7919) % 1000003) || '-' || i,
                case when i <= {of_admin} then {} else {} end, i % 2 = 0, {}, {}, {}, {},
                '203.0.113.' || (i % 256),
                'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
         from {}",
        (d.literal)(people.admin),
        user_id(d, now, &format!("(i * {every})")),
        time(&format!("{now} - 36000 + i % 36000")),
        time(&format!("{now} - i % 600")),
        time(&format!("{now} + 7200 + i % 40000")),
        time(&format!("{now} + 80000")),
        numbers(size.sessions)
    )
}

/// Logins, refused ones, grants of the busy admin, changes of roles, and what an operator did
/// long ago.
fn trail(d: &Dialect, size: Size, people: &People, now: i64) -> Vec<String> {
    let at = format!("({now} - {SPAN} + i * {SPAN} / {})", size.records);
    let id = (d.id)(&format!("({at} * 1000)"), 3, "i");
    let user = user_id(d, now, &format!("((i * 7919) % {} + 1)", size.users));
    let (shown, admin) = ((d.shown)("who"), (d.literal)(people.admin));
    let name = format!(
        "'{{\"name\":\"somebody\",\"ip\":\"203.0.113.9\",\"salt\":\"{}\"}}'",
        "x".repeat(22)
    );
    let oldest = size.records / 1000;
    vec![
        format!(
            "insert into audit (id, at, action, actor, actor_id, target, target_id, detail,
                                request_id, actor_digest, target_digest)
             select {id}, {}, action,
                    case when i <= {oldest} then 'cli:root'
                         when action = 'login.refuse' then 'visitor' else 'user' end,
                    case when i <= {oldest} or action = 'login.refuse' then null
                         when action in ('grant.create', 'role.allow') then {admin} else who end,
                    case action when 'session.create' then 'session' when 'role.allow' then 'role'
                         else 'user' end,
                    case when action = 'role.allow' then {} else {shown} end,
                    case action when 'grant.create'
                         then '{{\"role\":\"role-007\",\"after\":{{\"until\":null,\"reason\":\"\"}}}}'
                         when 'role.allow' then '{{\"permission\":\"thing-7:read\"}}' else '{{}}' end,
                    'request-' || i, 'digest-of-the-actor', 'digest-of-the-target'
             from (select i, {user} as who,
                          case when i % 20 = 1 then 'login.refuse' when i % 10 = 2 then 'grant.create'
                               when i % 1000 = 3 then 'role.allow' when i % 10 = 4 then 'user.create'
                               else 'session.create' end as action
                   from {}) made",
            (d.time)(&at),
            role("(i % 500 + 1)"),
            numbers(size.records)
        ),
        format!(
            "insert into audit_personal (audit_id, part, user_id, content)
             select id, 'actor', actor_id, {name} from audit where target_digest = 'digest-of-the-target'
               and actor = 'user'
             union all
             select a.id, 'target', {}, {name}
             from (select {id} as id, {user} as who, i from {}) m join audit a on a.id = m.id
             where a.target in ('user', 'session')",
            "m.who",
            numbers(size.records)
        ),
    ]
}

fn tallies(d: &Dialect) -> Vec<String> {
    let by_day = |name: &str, action: &str| {
        format!(
            "insert into tallies (name, day, n) select '{name}', {}, count(*) from audit
             where action = '{action}' group by 2",
            d.day
        )
    };
    vec![
        "delete from tallies".to_owned(),
        "insert into tallies (name, day, n) select 'users.' || status, '', count(*) from users
         group by status"
            .to_owned(),
        by_day("logins", "session.create"),
        by_day("logins.refused", "login.refuse"),
    ]
}
