//! Whatever there is, exporting it and seeding an empty database with that gives the same.

use rolecall::{
    auth::{
        grants::{self, Until},
        name::{Email, PermissionName, RoleName, Username},
        roles::{self, RoleChange},
        seed::{self, Format},
        users::{self, FirstPassword, NewUser},
    },
    db::UserId,
};
use time::Duration;

use crate::support::{Database, Engine, TestApp, cli, password, role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_makes_the_same_state_again_on_sqlite() {
    an_export_makes_the_same_state_again(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_makes_the_same_state_again_on_postgres() {
    an_export_makes_the_same_state_again(Engine::Postgres).await;
}

/// The same numbers for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        let parts =
            ["", "a b", "\"", "\\", "'", "ü", "🦀", "\u{202e}", "#", "= [", "\\u0041", "]]"];
        (0..self.below(5)).map(|_| self.one(&parts)).collect::<String>().trim().to_owned()
    }
}

const ROLES: [&str; 8] = ["a", "b0", "c-c", "d.d", "e_e", "f", "g", "0"];
const PERMISSIONS: [&str; 5] = ["x:y", "reports:write", "a.b:c-d", "0:0", "rolecall.users:read"];

async fn an_export_makes_the_same_state_again(engine: Engine) {
    for case in 0..12 {
        let database = Database::create(engine).await;
        let app = TestApp::with(database, |_| {}).await;
        let mut dice = Dice(case);
        random_roles(&app, &mut dice).await;
        random_users(&app, &mut dice).await;
        // Some of the grants end.
        app.advance(Duration::hours(2));

        let text = exported(&app, Format::Toml).await;
        let format = if case % 2 == 0 { Format::Toml } else { Format::Json };
        let file = seed::parse(&exported(&app, format).await, format).expect("a seed file");
        // On the other engine, too, it is the same text.
        let other = if case % 3 == 0 { Engine::Sqlite } else { engine };
        let copy = TestApp::with(Database::create(other).await, |_| {}).await;
        copy.advance(Duration::hours(2));
        let made = seed::apply(&copy.app, &cli(), &file, false).await.expect("it is applied");
        assert_eq!(exported(&copy, Format::Toml).await, text, "case {case}");
        let records = copy.db.count("audit").await;
        assert!(records as usize >= made.steps.len(), "one record per change");
        for prune in [false, true] {
            let left = seed::plan(&copy.app, &cli(), &file, prune).await.expect("a plan");
            assert_eq!(left, [], "case {case}");
        }
        // What it was exported from is as the file says, too.
        let left = seed::plan(&app.app, &cli(), &file, true).await.expect("a plan");
        assert_eq!(left, [], "case {case}");
    }
}

async fn exported(app: &TestApp, format: Format) -> String {
    let mut text = String::new();
    let written = seed::export(&app.app, format, |piece| {
        text.push_str(piece);
        Ok(())
    });
    written.await.expect("it is exported");
    text
}

async fn random_roles(app: &TestApp, dice: &mut Dice) {
    let change = async |name: &RoleName, change: RoleChange| {
        // Some are refused: cycles, what is not there.
        let _ = roles::change(&app.app, &cli(), name, &[change]).await;
    };
    for name in ROLES {
        if dice.below(4) > 0 {
            let description = dice.text();
            change(&role(name), RoleChange::Create { description }).await;
        }
    }
    for _ in 0..dice.below(40) {
        let name = role(dice.one(&ROLES));
        let other = role(dice.one(&ROLES));
        let permission = PermissionName::parse(dice.one(&PERMISSIONS)).unwrap();
        let limit = dice.one(&["none", "1m", "90s", "15m", "8h", "3650d"]).parse().ok();
        let made = match dice.below(9) {
            8 => RoleChange::Limit { idle: limit, absolute: None },
            0 | 1 => RoleChange::Allow(permission),
            2 => RoleChange::Deny(permission),
            3 | 4 => RoleChange::Include(other),
            5 => RoleChange::AddGrantor(other),
            6 => RoleChange::RemoveGrantor(role("user-manager")),
            _ => RoleChange::AddGrantor(role("admin")),
        };
        change(&name, made).await;
    }
    let absolute = dice.one(&["none", "1m", "36h", "7d"]).parse().ok();
    let idle = dice.one(&["none", "5m"]).parse().ok();
    let name = dice.one(&["admin", "user", "a", "b0"]);
    change(&role(name), RoleChange::Limit { idle, absolute }).await;
}

async fn random_users(app: &TestApp, dice: &mut Dice) {
    let names = ["kim", "zoë", "a'b", "x\\y", "李", "o.o", "-", "q\"q", "[[user]]", "#"];
    for name in names {
        if dice.below(4) == 0 {
            continue;
        }
        let chosen = password("correct horse battery staple");
        let email = format!("{}@example.com", dice.one(&["Kim", "lee", "O'x", "a+b"]));
        let new = NewUser {
            username: Username::parse(name).unwrap(),
            email: (dice.below(2) == 0).then(|| Email::parse(&email).unwrap()),
            display_name: dice.text(),
            roles: &[],
            password: match dice.below(3) {
                0 => FirstPassword::Invite,
                1 => FirstPassword::Generated(&chosen),
                _ => FirstPassword::Chosen(&chosen),
            },
        };
        // The e-mail may be taken.
        let Ok(created) = users::create(&app.app, &cli(), new).await else { continue };
        random_grants(app, dice, created.user.id).await;
        match dice.below(6) {
            0 => users::disable(&app.app, &cli(), created.user.id).await.unwrap_or_default(),
            1 => users::remove(&app.app, &cli(), created.user.id).await.unwrap_or_default(),
            _ => {}
        }
    }
}

async fn random_grants(app: &TestApp, dice: &mut Dice, user: UserId) {
    for _ in 0..dice.below(6) {
        let all: Vec<_> = ROLES.into_iter().chain(["admin", "user", "auditor"]).collect();
        let name = role(dice.one(&all));
        let until = match dice.below(3) {
            0 => Until::At(app.app.now() + Duration::hours(1)),
            1 => Until::At(app.app.now() + Duration::days(365)),
            _ => Until::Always,
        };
        let _ = grants::grant(&app.app, &cli(), user, &name, until, &dice.text()).await;
    }
}
