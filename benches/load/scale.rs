//! The pages for managing people with a thousand users and with a million, side by side:
//! `cargo bench --bench load -- --scale`, or `just bench-scale`. Writes
//! `docs/benchmarks-scale.md`, and fails when a page takes longer than is promised.

pub mod fill;
mod moved;
mod pages;

use std::{path::PathBuf, time::Instant};

use rolecall::{
    app::{App, Migrate},
    auth::{
        Actor, By,
        key::Use,
        name::{RoleName, Username},
        password::Password,
        sessions::{self, Wanted},
        users::{self, FirstPassword, NewUser},
    },
    clock::Clock,
    config::{Chosen, Settings},
    random::Random,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Outcome, QUIET,
    databases::{Databases, Place},
    destination,
    machine::{self, Cores},
    report::{self, Table},
    server::Server,
};
use fill::{People, Size};
use pages::{Found, Page, Reader};

/// Median of a page in the large database, at most, in ms.
const LIMIT: f64 = 50.0;
/// Everybody's.
const PASSWORD: &str = "correct horse battery staple";

struct Plan {
    is_quick: bool,
    /// Requests for each page.
    times: usize,
    sizes: [Size; 2],
    /// Users of an import.
    imports: &'static [u64],
}

impl Plan {
    fn chosen() -> Self {
        let small = Size { users: 1000, sessions: 100, records: 1000 };
        let large = Size { users: 1_000_000, sessions: 100_000, records: 1_000_000 };
        match crate::is_quick() {
            true => {
                Self { is_quick: true, times: 1, sizes: [small, small], imports: &[1000, 2000] }
            }
            false => Self {
                is_quick: false,
                times: 20,
                sizes: [small, large],
                imports: &[1000, 10_000, 100_000, 1_000_000],
            },
        }
    }
}

/// A filled database, and those who look at it.
pub struct Filled {
    people: People,
    now: OffsetDateTime,
    admin: String,
    manager: String,
}

pub fn run() -> Outcome {
    let (plan, begun) = (Plan::chosen(), Instant::now());
    machine::install_tools()?;
    let cores = Cores::find()?;
    let busy_before = machine::busy()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut databases = Databases::start(cores, folder.path())?;
    let (mut tables, mut slow) = (Vec::new(), Vec::new());
    for engine in ["SQLite", "Postgres"] {
        let of = (plan.imports, plan.times, cores);
        let table = moved::measure(engine, of, &mut databases, &mut slow)?;
        println!("\n{table}");
        tables.push(table);
    }
    for engine in ["SQLite", "Postgres"] {
        let mut columns = Vec::new();
        for size in plan.sizes {
            let place = match engine {
                "SQLite" => databases.sqlite()?,
                _ => databases.postgres()?,
            };
            println!("filling {engine} with {} users", size.users);
            let filling = Instant::now();
            let filled = databases.runtime.block_on(filled(&place, size))?;
            println!("  took {} s; measuring", filling.elapsed().as_secs());
            columns.push(measure(&plan, cores, &place, &filled)?);
        }
        let table = table(engine, plan.sizes, &columns, &mut slow);
        println!("\n{table}");
        tables.push(table);
    }
    let busy = busy_before.max(machine::busy()?);
    let mut facts = machine::facts(&databases, cores, busy, folder.path())?;
    facts.retain(|(name, _)| *name != "Load tool");
    let file: PathBuf = destination(plan.is_quick, "benchmarks-scale.md");
    let head = format!(
        "# Benchmarks: a thousand users beside a million\n\nWritten by `just bench-scale` on {}; do \
         not edit. Server time of each page, in ms; a page that takes longer than {LIMIT:.0} ms \
         (median, a million users) makes the run fail.\n\n",
        Clock::system().now().date()
    );
    report::write(&file, &head, busy <= QUIET, &facts, &tables, &method(&plan))?;
    println!("\nwritten to {} after {} s", file.display(), begun.elapsed().as_secs());
    if slow.is_empty() || plan.is_quick {
        Ok(())
    } else {
        Err(format!("too slow:\n{}", slow.join("\n")).into())
    }
}

/// Migrates, makes those who look, and fills.
pub async fn filled(place: &Place, size: Size) -> Outcome<Filled> {
    let settings =
        Settings::resolve(Chosen { key_file: Some(place.key_file()), ..Chosen::default() })?;
    let (clock, random) = (Clock::system(), Random::system());
    let now = clock.now();
    let app = App::open(&place.url, settings, Migrate::Apply, clock, random).await?;
    let (admin_id, admin) = signed_in(&app, "admin-of-all", "admin").await?;
    signed_in(&app, "admin-of-reserve", "admin").await?;
    let (_, manager) = signed_in(&app, "manager-of-people", "user-manager").await?;
    app.db.close().await;
    let people = People { admin: admin_id };
    fill::fill(place, size, &people, now).await?;
    Ok(Filled { people, now, admin, manager })
}

/// A new user with this role: id, and the cookie of a session.
async fn signed_in(app: &App, name: &str, role: &str) -> Outcome<(Uuid, String)> {
    let by = By::new(Actor::System);
    let password = Password::chosen(PASSWORD, 15, &[])?;
    let new = NewUser {
        username: Username::parse(name)?,
        email: None,
        display_name: String::new(),
        roles: &[RoleName::parse(role)?],
        password: FirstPassword::Chosen(&password),
    };
    let user = users::create(app, &by, new).await?.user;
    let wanted = Wanted { remember: true, user_agent: "bench", replaces: None, tried: None };
    let opened = sessions::open(app, &by, &user, wanted).await?;
    let session = opened.ok_or("a new user is locked out")?.session;
    let cookie = session.to_cookie(&app.keys, Use::SessionCookie);
    Ok((user.id.0, format!("rolecall={cookie}")))
}

fn measure(
    plan: &Plan,
    cores: Cores,
    place: &Place,
    filled: &Filled,
) -> Outcome<Vec<(Page, Found)>> {
    let server = Server::rolecall(&cores.server.to_string(), place, &[])?;
    let pages = pages::all(&filled.people, filled.now).into_iter();
    let measured = pages.map(|page| {
        let cookie = match page.reader {
            Reader::Admin => &filled.admin,
            Reader::Manager => &filled.manager,
        };
        let found = pages::measure(&server, &page, cookie, plan.times)?;
        Ok((page, found))
    });
    measured.collect()
}

fn table(
    engine: &str,
    sizes: [Size; 2],
    columns: &[Vec<(Page, Found)>],
    slow: &mut Vec<String>,
) -> Table {
    let [small, large] = sizes.map(|size| report::count(size.users as f64));
    let mut table = Table::new(
        format!("{engine}: median of each page in ms, least and most in brackets"),
        &["Page", &format!("{small} users"), &format!("{large} users"), "HTML kB"],
    );
    let ms = |found: &Found| {
        format!("{:.1} ({:.1} to {:.1})", found.median(), found.least(), found.most())
    };
    let [small, large] = columns else { return table };
    for ((page, small), (_, large)) in small.iter().zip(large) {
        let kb = format!("{:.1}", large.bytes as f64 / 1e3);
        table.row([page.title.to_owned(), ms(small), ms(large), kb]);
        if large.median() > LIMIT {
            slow.push(format!("{engine}: {} ({}): {} ms", page.title, page.path, ms(large)));
        }
    }
    table
}

fn method(plan: &Plan) -> String {
    let Plan { times, .. } = plan;
    format!(
        "
## Method

Repeat it with `just bench-scale` (`cargo bench --bench load -- --scale`) on a quiet Linux machine
with two cores; it takes a few minutes and some gigabytes of disk. The source is in
`benches/load/scale`.

- **Import.** `rolecall import` of a CSV file with user name, e-mail, displayed name, an argon2id hash,
  one role and status, names in no order, into an empty database, on both cores (Postgres on one of
  them). Then the same again, `user list` into a pipe, five starts on both cores, and on one core
  searches and logins as for pages. Everybody's hash is of `m=64,t=1,p=1`, which takes no time to
  speak of, so that a login shows what else it does: two or three transactions, synced to the disk.
  Memory is what the kernel says the process had resident at most. Nothing is analysed by hand.
- **Data.** A thousand users, and a million with 100,000 sessions and 1,000,000 audit records over
  90 days; both with 500 roles that include each other up to 20 deep, three permissions and two
  grantors each. Everybody has a role that all have, two thirds one of 450 others, a third had a trial
  that has ended for most; one user has a thousand sessions and made a tenth of all records.
- **Servers.** The release program as shipped, on one core together with Postgres. SQLite has the
  statistics that the program gives it, which are none; Postgres those of `vacuum (analyze)`, which
  autovacuum runs by itself after so many changes.
- **Time.** From the request on a new loopback connection to the last byte of the answer, asked by
  somebody who is signed in; {times} times after once for nothing, one at a time. Every answer must
  be 200.
"
    )
}
