//! Which databases are taken, which are brought up to date, and which are refused untouched.

use std::path::Path;

use rolecall::{
    app::{App, Migrate, OpenError},
    clock::Clock,
    config::{Chosen, Settings},
    db::{ConnectError, MigrateError, Schema, schema_at},
    random::Random,
};
use sqlx::migrate::Migrator;

use crate::support::{Database, Engine, Pool, TestApp, both_engines, our_migrations};

both_engines!(
    an_empty_database_is_brought_to_the_schema_once,
    an_empty_database_is_told_to_be_behind_when_nothing_may_be_applied,
    what_sqlx_cli_has_migrated_is_taken,
    what_we_have_migrated_is_taken_by_sqlx_cli,
    a_migration_that_was_altered_is_refused,
    a_migration_that_did_not_finish_is_refused,
    a_newer_schema_is_taken_only_while_it_expands,
    tables_of_another_program_are_refused_untouched,
    tables_that_are_called_like_ours_but_are_not_recorded_are_refused_untouched,
    of_four_that_start_at_once_on_an_empty_database_all_serve,
);

fn settings(db: &Database) -> Settings {
    Settings::resolve(Chosen {
        argon2: "m=64,t=1,p=1".parse().ok(),
        key_file: Some(db.path("rolecall.key")),
        ..Chosen::default()
    })
    .unwrap()
}

async fn open(db: &Database, migrate: Migrate) -> Result<App, OpenError> {
    App::open(&db.url, settings(db), migrate, Clock::system(), Random::system()).await
}

/// What is wrong with the database, for a program that may migrate and for one that may not.
async fn refusals(db: &Database) -> [MigrateError; 2] {
    let refused = async |migrate| match open(db, migrate).await {
        Err(OpenError::Migrate(error)) => error,
        // On SQLite that is seen before the file is opened for writing.
        Err(OpenError::Connect(ConnectError::Foreign(table))) => MigrateError::Foreign(table),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("taken"),
    };
    [refused(Migrate::Apply).await, refused(Migrate::Refuse).await]
}

/// What `sqlx migrate run` does.
async fn run_sqlx_cli(db: &Database) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    let migrator = Migrator::new(folder).await.unwrap();
    match &db.pool {
        Pool::Sqlite(pool) => migrator.run(pool).await.unwrap(),
        Pool::Postgres(pool) => migrator.run(pool).await.unwrap(),
    }
}

/// Records a migration that this program does not know.
async fn record(db: &Database, version: i64, description: &str) {
    let checksum = match db.engine {
        Engine::Sqlite => "x'00'",
        Engine::Postgres => "'\\x00'",
    };
    db.execute(&format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values ({version}, '{description}', true, {checksum}, 0)"
    ))
    .await;
}

async fn an_empty_database_is_brought_to_the_schema_once(db: Database) {
    assert_eq!(schema_at(&db.url).await.unwrap(), Schema::Behind(our_migrations()));
    open(&db, Migrate::Apply).await.unwrap();
    assert_eq!(schema_at(&db.url).await.unwrap(), Schema::Current);
    let before = db.dump().await;
    for migrate in [Migrate::Apply, Migrate::Refuse] {
        open(&db, migrate).await.unwrap();
    }
    db.assert_unchanged(&before).await;
}

async fn an_empty_database_is_told_to_be_behind_when_nothing_may_be_applied(db: Database) {
    let Err(OpenError::Migrate(error)) = open(&db, Migrate::Refuse).await else {
        panic!("taken");
    };
    assert_eq!(
        error.to_string(),
        format!("the schema lacks {}; run: rolecall migrate", our_migrations().join(", "))
    );
    assert_eq!(db.tables().await, Vec::<String>::new());
    assert!(!db.path("rolecall.key").exists());
}

async fn what_sqlx_cli_has_migrated_is_taken(db: Database) {
    run_sqlx_cli(&db).await;
    let before = db.texts("select description from _sqlx_migrations").await;
    open(&db, Migrate::Refuse).await.unwrap();
    open(&db, Migrate::Apply).await.unwrap();
    assert_eq!(db.texts("select description from _sqlx_migrations").await, before);
    let t = TestApp::with(db, |_| {}).await;
    t.signed_in("kim", &["user"]).await;
}

async fn what_we_have_migrated_is_taken_by_sqlx_cli(db: Database) {
    open(&db, Migrate::Apply).await.unwrap();
    let before = db.dump().await;
    run_sqlx_cli(&db).await;
    db.assert_unchanged(&before).await;
}

async fn a_migration_that_was_altered_is_refused(db: Database) {
    open(&db, Migrate::Apply).await.unwrap();
    let other = match db.engine {
        Engine::Sqlite => "x'0102'",
        Engine::Postgres => "'\\x0102'",
    };
    db.execute(&format!("update _sqlx_migrations set checksum = {other}")).await;
    let before = db.dump().await;
    for refused in refusals(&db).await {
        assert!(matches!(&refused, MigrateError::Altered(name) if name == "0001_schema"));
    }
    db.assert_unchanged(&before).await;
}

async fn a_migration_that_did_not_finish_is_refused(db: Database) {
    open(&db, Migrate::Apply).await.unwrap();
    db.execute("update _sqlx_migrations set success = false").await;
    let before = db.dump().await;
    for refused in refusals(&db).await {
        assert!(matches!(&refused, MigrateError::Unfinished(name) if name == "0001_schema"));
    }
    db.assert_unchanged(&before).await;
}

async fn a_newer_schema_is_taken_only_while_it_expands(db: Database) {
    open(&db, Migrate::Apply).await.unwrap();
    let newest = our_migrations().pop().unwrap();
    let next = newest.split('_').next().unwrap().parse::<i64>().unwrap() + 1;
    for version in [next, 20_270_101_000_000] {
        record(&db, version, "add things expand").await;
        let before = db.dump().await;
        for migrate in [Migrate::Apply, Migrate::Refuse] {
            open(&db, migrate).await.unwrap();
        }
        assert_eq!(schema_at(&db.url).await.unwrap(), Schema::Current);
        db.assert_unchanged(&before).await;
    }
    for (version, description, name) in [
        (next + 1, "drop things", "drop_things"),
        (next + 1, "expand things", "expand_things"),
        (next + 1, "things unexpand", "things_unexpand"),
        // Older than ours, and not one of ours.
        (0, "add things expand", "add_things_expand"),
    ] {
        let name = format!("{version:04}_{name}");
        record(&db, version, description).await;
        let before = db.dump().await;
        for refused in refusals(&db).await {
            assert!(matches!(&refused, MigrateError::Ahead(found) if *found == name), "{refused}");
        }
        db.assert_unchanged(&before).await;
        db.execute(&format!("delete from _sqlx_migrations where version = {version}")).await;
    }
    open(&db, Migrate::Refuse).await.unwrap();
}

/// The files that are in the folder of the database, with what is in them.
fn files(db: &Database) -> Vec<(String, Vec<u8>)> {
    let folder = db.path("");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

async fn tables_of_another_program_are_refused_untouched(mut db: Database) {
    for (tables, first) in [
        ("create table customers (id bigint)", "customers"),
        // With a name that we use too.
        ("create table users (id bigint)", "customers"),
        (
            "create table _sqlx_migrations (version bigint primary key, description text not null,
                success boolean not null, checksum bytea not null, execution_time bigint)",
            "customers",
        ),
        ("drop table customers; drop table users", "_sqlx_migrations"),
    ] {
        db.execute(tables).await;
        if first == "_sqlx_migrations" {
            record(&db, 1, "schema").await;
        }
        let before = db.dump().await;
        db.close().await;
        let on_disk = files(&db);
        for refused in refusals(&db).await {
            assert!(matches!(&refused, MigrateError::Foreign(name) if name == first), "{refused}");
        }
        if first == "customers" {
            assert!(files(&db) == on_disk, "not one byte is other, and no file is new");
        }
        db.reopen();
        db.assert_unchanged(&before).await;
        assert!(!db.path("rolecall.key").exists());
    }
}

async fn tables_that_are_called_like_ours_but_are_not_recorded_are_refused_untouched(db: Database) {
    db.execute("create table login_keys (name text); create table customers (id bigint)").await;
    let (before, tables) = (db.dump().await, db.tables().await);
    for refused in refusals(&db).await {
        assert!(matches!(refused, MigrateError::Foreign(_)), "{refused}");
    }
    assert_eq!(db.tables().await, tables);
    db.assert_unchanged(&before).await;
}

async fn of_four_that_start_at_once_on_an_empty_database_all_serve(first: Database) {
    let engine = first.engine;
    for round in 0..6 {
        let db = Database::create(engine).await;
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let (url, settings) = (db.url.clone(), settings(&db));
                tokio::spawn(async move {
                    let (clock, random) = (Clock::system(), Random::system());
                    App::open(&url, settings, Migrate::Apply, clock, random).await
                })
            })
            .collect();
        let mut apps = Vec::new();
        for app in opening {
            apps.push(app.await.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}")));
        }
        assert_eq!(db.count("_sqlx_migrations").await, our_migrations().len() as i64);
        assert_eq!(db.count("keys").await, 1);
        let key = std::fs::read_to_string(db.path("rolecall.key")).unwrap();
        assert_eq!(key.lines().filter(|line| !line.starts_with('#')).count(), 1);
        for app in apps {
            app.db.ping().await.unwrap();
            app.db.close().await;
        }
    }
}
