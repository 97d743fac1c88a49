//! A clock that jumps an hour, in the midst of what is remembered of sessions: nothing lives
//! beyond its end by more than the clock is wrong, and nothing is refused for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rolecall::{
    auth::{
        grants::{self, Until},
        sessions, users,
    },
    clock::Clock,
    config::Chosen,
    random::Random,
};

use crate::support::{Database, NOW, TestApp, Visitor, both_engines, cli, role, roles};

both_engines!(
    nothing_lives_beyond_its_end_by_more_than_the_clock_is_wrong,
    what_ended_too_early_is_there_again_when_the_clock_is_right,
    uses_noted_by_a_clock_that_was_ahead_end_nothing_early,
    a_login_after_the_clock_was_set_back_ends_an_older_session_and_not_its_own,
    a_cookie_of_somebody_who_was_removed_opens_nothing_though_the_name_is_taken_again,
);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// rolecall with a clock that shows so many seconds after [`NOW`].
struct Moved {
    t: TestApp,
    shows: Arc<AtomicI64>,
}

impl Moved {
    async fn on(db: Database) -> Self {
        Self::with(db, |_| {}).await
    }

    async fn with(db: Database, change: impl FnOnce(&mut Chosen)) -> Self {
        let shows = Arc::new(AtomicI64::new(0));
        let read = shows.clone();
        let clock = Clock::new(move || {
            let seconds = NOW.saturating_add_signed(read.load(Ordering::Relaxed));
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
        });
        let t = TestApp::with_sources(db, (clock, Random::system()), change).await;
        roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
        Self { t, shows }
    }

    fn show(&self, seconds: i64) {
        self.shows.store(seconds, Ordering::Relaxed);
    }

    /// Asks twice, so that the second answer can come from memory.
    async fn check(&self, visitor: &Visitor) -> u16 {
        let mut last = None;
        for _ in 0..2 {
            self.t.app.db.follow_revision().await.unwrap();
            let status = self.t.get_as(visitor, "/auth/check?role=editor").await.status();
            assert!(last.is_none_or(|last| last == status), "{last:?}, then {status}");
            last = Some(status);
        }
        last.unwrap()
    }

    async fn has_sessions(&self) -> bool {
        self.t.db.count("sessions").await > 0
    }
}

async fn nothing_lives_beyond_its_end_by_more_than_the_clock_is_wrong(db: Database) {
    let m = Moved::on(db).await;
    let visitor = m.t.signed_in("kim", &["editor"]).await;
    // Used all the time, by a clock that is an hour late or early each second time.
    let mut right = 0;
    while right < 7 * DAY - 2 * HOUR {
        right += 5 * HOUR;
        for skew in [HOUR, 0, -HOUR] {
            m.show(right + skew);
            let expected = if right + skew < 7 * DAY { 200 } else { 401 };
            assert_eq!(m.check(&visitor).await, expected, "{right} {skew}");
            sessions::write_touched(&m.t.app).await.unwrap();
        }
    }
    for (shown, expected) in [(-HOUR, 401), (-HOUR - 1, 200), (0, 401), (HOUR, 401)] {
        m.show(7 * DAY + HOUR + shown);
        assert_eq!(m.check(&visitor).await, expected, "an hour too late, at {shown}");
    }
    let beyond = "sessions where idle_expires_at > absolute_expires_at";
    assert_eq!(m.t.db.count(beyond).await, 0);
    sessions::sweep(&m.t.app).await.unwrap();
    assert!(!m.has_sessions().await);
    m.show(7 * DAY - HOUR);
    assert_eq!(m.check(&visitor).await, 401, "what was swept is gone");
}

async fn what_ended_too_early_is_there_again_when_the_clock_is_right(db: Database) {
    let m = Moved::on(db).await;
    let t = &m.t;
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let end = Until::At(t.app.now() + Duration::from_secs(30 * 60));
    grants::grant(&t.app, &cli(), kim.id, &role("editor"), end, "").await.unwrap();
    let visitor = t.login("kim").await;
    let enable = format!("/admin/users/{}/enable", kim.id);
    for _ in 0..2 {
        m.show(60);
        assert_eq!(m.check(&visitor).await, 200);
        m.show(HOUR);
        assert_eq!(m.check(&visitor).await, 403, "the grant ends after half an hour");
        assert_eq!(t.post_form(&ada, &enable, &[]).await.outcome(), "401", "and the proof");
        m.show(61);
        assert_eq!(m.check(&visitor).await, 200, "it has not ended");
        let answer = t.post_form(&ada, &enable, &[]).await.outcome();
        assert_eq!(answer, format!("303 /admin/users/{}?done", kim.id), "nor has the proof");
    }
    // Unused for twelve hours, says a clock that is wrong.
    m.show(12 * HOUR + 120);
    assert_eq!(m.check(&visitor).await, 401);
    m.show(121);
    assert_eq!(m.check(&visitor).await, 200);
}

async fn uses_noted_by_a_clock_that_was_ahead_end_nothing_early(db: Database) {
    let m = Moved::on(db).await;
    let visitor = m.t.signed_in("kim", &["editor"]).await;
    m.show(HOUR);
    assert_eq!(m.check(&visitor).await, 200);
    sessions::write_touched(&m.t.app).await.unwrap();
    // Back, and used as people use it.
    for hours in [0, 6, 12, 18, 24, 30] {
        m.show(hours * HOUR + 60);
        assert_eq!(m.check(&visitor).await, 200, "{hours}");
        sessions::write_touched(&m.t.app).await.unwrap();
    }
    m.show(42 * HOUR + 59);
    let beside = m.t.app.now();
    assert_eq!(m.check(&visitor).await, 200, "{beside}");
    m.show(54 * HOUR + 59);
    assert_eq!(m.check(&visitor).await, 401, "unused for twelve hours");
}

async fn a_login_after_the_clock_was_set_back_ends_an_older_session_and_not_its_own(db: Database) {
    let m = Moved::with(db, |chosen| chosen.max_sessions = Some(1)).await;
    m.t.user("kim", &["editor"]).await;
    m.show(HOUR);
    let first = m.t.login("kim").await;
    m.show(0);
    let second = m.t.login("kim").await;
    assert_eq!(m.check(&second).await, 200);
    assert_eq!(m.check(&first).await, 401);
}

async fn a_cookie_of_somebody_who_was_removed_opens_nothing_though_the_name_is_taken_again(
    db: Database,
) {
    let m = Moved::on(db).await;
    let t = &m.t;
    let other = t.unthrottled().await;
    let kim = t.user("kim", &["editor"]).await;
    let visitor = t.login("kim").await;
    assert_eq!(m.check(&visitor).await, 200);
    users::remove(&other.app, &cli(), kim.id).await.unwrap();
    t.user("kim", &["editor"]).await;
    assert_eq!(m.check(&visitor).await, 401);
    assert!(!t.is_signed_in(&visitor).await);
    let again = t.login("kim").await;
    assert_eq!((m.check(&again).await, m.check(&visitor).await), (200, 401));
}
