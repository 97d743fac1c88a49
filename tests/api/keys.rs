//! The key file: made once, kept secret, and never replaced behind the database's back.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rolecall::{
    app::{App, Migrate, OpenError},
    auth::key::KeyError,
    clock::Clock,
    config::{Chosen, Settings},
    random::Random,
};

use crate::support::{Database, TestApp, both_engines};

both_engines!(
    whoever_comes_first_makes_the_key_file_for_itself_alone,
    a_key_file_that_is_there_is_taken_over_by_an_empty_database,
    without_the_key_that_the_database_names_nobody_starts,
    a_key_file_that_others_can_read_or_that_is_damaged_is_refused,
    nodes_that_share_the_key_file_share_the_sessions,
);

async fn open(db: &Database, file: &Path) -> Result<App, OpenError> {
    let chosen = Chosen { key_file: Some(file.to_owned()), ..Chosen::default() };
    let settings = Settings::resolve(chosen).unwrap();
    App::open(&db.url, settings, Migrate::Apply, Clock::system(), Random::system()).await
}

async fn refusal(db: &Database, file: &Path) -> KeyError {
    match open(db, file).await {
        Err(OpenError::Keys(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("taken"),
    }
}

fn ids(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

async fn whoever_comes_first_makes_the_key_file_for_itself_alone(db: Database) {
    let file = db.path("some.key");
    open(&db, &file).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let made = fs::read(&file).unwrap();
    assert_eq!(ids(&file).len(), 1);
    assert_eq!(db.texts("select id from keys").await, ids(&file));
    open(&db, &file).await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), made);
    // The secret is in the file alone.
    let text = String::from_utf8(made).unwrap();
    let (_, secret) = text.trim().rsplit_once(' ').unwrap();
    assert!(!db.dump().await.contains(secret));
}

async fn a_key_file_that_is_there_is_taken_over_by_an_empty_database(db: Database) {
    let file = db.path("some.key");
    let first = Database::create(db.engine).await;
    open(&first, &file).await.unwrap();
    let made = fs::read(&file).unwrap();
    open(&db, &file).await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), made);
    assert_eq!(db.texts("select id from keys").await, ids(&file));
}

async fn without_the_key_that_the_database_names_nobody_starts(db: Database) {
    let (file, lost) = (db.path("some.key"), db.path("lost.key"));
    open(&db, &file).await.unwrap();
    let id = ids(&file).remove(0);
    fs::rename(&file, &lost).unwrap();
    let error = refusal(&db, &file).await;
    assert!(matches!(error, KeyError::Unreadable { .. }), "{error}");
    assert!(!file.exists(), "no new key is made: it would sign everybody out");

    let other = Database::create(db.engine).await;
    open(&other, &file).await.unwrap();
    let error = refusal(&db, &file).await.to_string();
    assert!(error.contains(&id), "{error}");
    fs::rename(&lost, &file).unwrap();
    open(&db, &file).await.unwrap();
}

async fn a_key_file_that_others_can_read_or_that_is_damaged_is_refused(db: Database) {
    let file = db.path("some.key");
    open(&db, &file).await.unwrap();
    let whole = fs::read_to_string(&file).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o602, 0o666] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let error = refusal(&db, &file).await;
        assert!(matches!(error, KeyError::Exposed(_)), "{mode:o}: {error}");
        assert!(error.to_string().contains("chmod 600"));
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let folder = db.path("folder");
    fs::create_dir(&folder).unwrap();
    let error = refusal(&db, &folder).await.to_string();
    assert!(error.contains("directory") && !error.contains("chmod"), "{error}");
    let secret = whole.trim().rsplit_once(' ').unwrap().1;
    for damaged in [
        String::new(),
        "# nothing but this\n".into(),
        whole.trim().to_owned(),
        whole.replace(secret, &secret[1..]),
        whole.replace(secret, ""),
        format!("{whole}garbage\n"),
        format!("{whole}\0\0\0\0\n"),
    ] {
        fs::write(&file, &damaged).unwrap();
        let error = refusal(&db, &file).await;
        assert!(matches!(error, KeyError::Damaged { .. }), "{damaged:?}: {error}");
        assert!(!error.to_string().contains(secret));
    }
    for twice in [whole.clone(), whole.replace(secret, &"A".repeat(43))] {
        fs::write(&file, format!("{whole}{twice}")).unwrap();
        let error = refusal(&db, &file).await;
        assert!(matches!(error, KeyError::Twice { .. }), "{error}");
    }
    fs::write(&file, whole).unwrap();
    open(&db, &file).await.unwrap();
}

async fn nodes_that_share_the_key_file_share_the_sessions(t: TestApp) {
    let other = t.beside().await;
    let kim = t.signed_in("kim", &[]).await;
    assert!(other.is_signed_in(&kim).await);
    let token = other.form_token(&kim).await.unwrap();
    let answer = t.post(&kim, "/logout", format!("form_token={token}")).await;
    assert_eq!(answer.outcome(), "303 /login?done=signed-out");
}
