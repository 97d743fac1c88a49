//! The end of a session is final for checks that are answered from memory too: also against those
//! in flight, and against a select that was asked before the end and answers after it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use rolecall::{
    auth::{sessions, users},
    db::UserId,
};
use time::Duration;
use tokio::time::sleep;

use crate::support::{Answer, TestApp, Visitor, both_engines, cli, insist};

both_engines!(
    no_check_that_begins_after_the_end_is_let_in,
    a_select_that_answers_after_the_end_brings_nothing_back,
);

const IN_FLIGHT: usize = 1_000;

const ENDS: [&str; 5] = ["logout", "end", "disable", "remove", "expiry"];

/// Ends the session of this visitor.
async fn end(t: &TestApp, how: &str, user: UserId, visitor: &Visitor, token: &str) {
    let by = cli();
    match how {
        "logout" => {
            let out = || t.post(visitor, "/logout", format!("form_token={token}"));
            let answer = insist(Answer::is_busy, out).await;
            assert_eq!(answer.outcome(), "303 /login?done=signed-out");
        }
        "end" => {
            let end = || sessions::end_of_user(&t.app, &by, user);
            assert_eq!(insist(Result::is_err, end).await.unwrap(), 1);
        }
        "disable" => insist(Result::is_err, || users::disable(&t.app, &by, user)).await.unwrap(),
        "remove" => insist(Result::is_err, || users::remove(&t.app, &by, user)).await.unwrap(),
        _ => t.advance(Duration::days(7)),
    }
}

/// Asks for the revision as a server does beside its requests.
fn following(t: &TestApp) -> tokio::task::JoinHandle<()> {
    let app = t.app.clone();
    tokio::spawn(async move {
        loop {
            // Without an answer nothing is remembered, which is right too.
            let _ = app.db.follow_revision().await;
            sleep(std::time::Duration::from_millis(20)).await;
        }
    })
}

async fn no_check_that_begins_after_the_end_is_let_in(t: TestApp) {
    let following = following(&t);
    for how in ENDS {
        let user = t.user(how, &[]).await;
        let visitor = t.login(how).await;
        let token = t.form_token(&visitor).await.unwrap();
        let before = Arc::new(visitor.copy());
        let (has_ended, allowed) =
            (Arc::new(AtomicBool::new(false)), Arc::<AtomicUsize>::default());
        let checks = {
            let (has_ended, allowed) = (has_ended.clone(), allowed.clone());
            t.at_once(IN_FLIGHT, move |t, _| {
                let (before, has_ended) = (before.clone(), has_ended.clone());
                let allowed = allowed.clone();
                async move {
                    loop {
                        let is_over = has_ended.load(Ordering::SeqCst);
                        let answer = t.get_as(&before.copy(), "/auth/check").await;
                        match answer.status() {
                            200 if is_over => panic!("{how}: let in after the end"),
                            200 => drop(allowed.fetch_add(1, Ordering::Relaxed)),
                            // A machine with much else to do.
                            503 => {}
                            status => assert_eq!(status, 401, "{how}"),
                        }
                        if is_over && answer.status() == 401 {
                            return;
                        }
                    }
                }
            })
        };
        // Everybody is on their way, and most are answered from memory.
        while allowed.load(Ordering::Relaxed) < 3 * IN_FLIGHT {
            sleep(std::time::Duration::from_millis(5)).await;
        }
        end(&t, how, user.id, &visitor, &token).await;
        has_ended.store(true, Ordering::SeqCst);
        checks.await.unwrap_or_else(|_| panic!("{how}: see above"));
    }
    following.abort();
}

/// Gets on with `work` for so many steps, each with time to be answered. Whether it is done.
async fn steps<F: Future + ?Sized>(mut work: Pin<&mut F>, steps: usize) -> Option<F::Output> {
    for _ in 0..steps {
        let step = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
        if let Poll::Ready(done) = step.await {
            return Some(done);
        }
        sleep(std::time::Duration::from_millis(3)).await;
    }
    None
}

/// The check is held at each point of its way, while the session ends and the end is known.
async fn a_select_that_answers_after_the_end_brings_nothing_back(t: TestApp) {
    const WAYS: [&str; 4] = ["logout", "end", "disable", "remove"];
    let other = t.beside().await;
    let mut overtaken = 0;
    // A busy machine may need more rounds until enough selects were held at the right point.
    for round in 0..400 {
        if overtaken >= 8 && round >= 40 {
            return;
        }
        // By this process, or by another one.
        let (how, by) = (WAYS[round % 4], if round % 8 < 4 { &t } else { &other });
        let name = format!("kim{round}");
        let user = t.user(&name, &[]).await;
        let visitor = t.login(&name).await;
        let token = t.form_token(&visitor).await.unwrap();
        // What is remembered of the session goes, and the check has to ask the database.
        t.app.db.begin().await.unwrap().commit().await.unwrap();
        t.app.db.follow_revision().await.unwrap();
        let (held, before) = (visitor.copy(), visitor.copy());
        let mut check = Box::pin(t.get_as(&held, "/auth/check"));
        let early = steps(check.as_mut(), round / 4 % 10).await;
        end(by, how, user.id, &visitor, &token).await;
        t.app.db.follow_revision().await.unwrap();
        let answer = match early {
            Some(answer) => answer,
            None => {
                let answer = check.await;
                overtaken += usize::from(answer.status() == 200);
                answer
            }
        };
        assert!([200, 401].contains(&answer.status()), "{how}: {}", answer.outcome());
        for _ in 0..3 {
            t.app.db.follow_revision().await.unwrap();
            assert_eq!(t.get_as(&before, "/auth/check").await.status(), 401, "{how}, {round}");
        }
    }
    panic!("{overtaken} selects alone saw what was and answered when it was over");
}
