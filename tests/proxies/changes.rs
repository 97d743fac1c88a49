//! What an operator changes while requests run.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    program::eventually,
    site::{Site, with_each},
};

/// Asks again and again while `change` runs and until it shows; what was answered, in order.
fn meanwhile(
    site: &Site,
    target: &str,
    cookies: &str,
    until: &str,
    change: impl FnOnce(),
) -> Vec<String> {
    let (stop, shown) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers: Vec<String> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let answer = site.get(target, cookies);
                let seen = site.echo.take();
                let said = seen.first().map(|seen| {
                    format!(
                        " {} {}",
                        seen.all("remote-user").join("+"),
                        seen.all("remote-groups").join("+")
                    )
                });
                let said = format!("{}{}", answer.status, said.unwrap_or_default());
                shown.fetch_or(said == until, Ordering::Relaxed);
                if answers.last() != Some(&said) {
                    answers.push(said);
                }
            }
            answers
        });
        change();
        let held = eventually(Duration::from_secs(10), || shown.load(Ordering::Relaxed));
        stop.store(true, Ordering::Relaxed);
        let answers = asking.join().unwrap();
        assert!(held, "{:?}: never {until:?} in {answers:?}", site.kind);
        answers
    })
}

#[test]
fn a_user_renamed_and_a_role_deleted_show_at_once_and_for_good() {
    with_each(|site| {
        let program = &site.program;
        program.ok(&["role", "add", "editor"]);
        program.ok(&["grant", "kim", "editor"]);
        let kim = site.visitor("kim");
        let renamed = meanwhile(site, "/", &kim, "200 lou editor,user", || {
            program.ok(&["user", "rename", "kim", "lou"]);
        });
        let deleted = meanwhile(site, "/", &kim, "200 lou user", || {
            program.ok(&["role", "remove", "editor"]);
        });
        // Each of them once, so nothing came back in between.
        assert!(
            renamed.ends_with(&["200 lou editor,user".into()]) && renamed.len() <= 2,
            "{renamed:?}"
        );
        assert!(deleted.ends_with(&["200 lou user".into()]) && deleted.len() <= 2, "{deleted:?}");
    });
}

#[test]
fn who_loses_the_role_is_out_of_its_paths_and_stays_out() {
    with_each(|site| {
        let dis = site.visitor("dis");
        let answers = meanwhile(site, "/admin/x", &dis, "403", || {
            site.program.ok(&["revoke", "dis", "admin"]);
        });
        assert!(answers.ends_with(&["403".into()]) && answers.len() <= 2, "{answers:?}");
        let answers = meanwhile(site, "/", &dis, "401", || {
            site.program.ok(&["session", "end", "--user", "dis"]);
        });
        assert!(answers.ends_with(&["401".into()]) && answers.len() <= 2, "{answers:?}");
    });
}
