//! What an application declares is made once, and what is wrong with it is told at the start.

use rolecall::{Permission, Role, Rolecall};

use super::host::{EDITOR, READER, WRITE, settings};
use crate::support::{Database, both_engines, our_migrations};

both_engines!(
    what_is_missing_is_made_once_and_recorded,
    a_role_that_is_there_stays_as_it_is,
    what_is_wrong_is_named,
    a_newer_database_is_refused,
);

async fn build(
    db: &Database,
    permissions: &[Permission],
    roles: &[Role],
) -> Result<Rolecall, String> {
    let builder = Rolecall::connect(&db.url).await.unwrap().settings(settings(db));
    let built = builder.permissions(permissions).roles(roles).build().await;
    built.map_err(|error| error.to_string())
}

async fn what_is_missing_is_made_once_and_recorded(db: Database) {
    build(&db, &[WRITE], &[EDITOR, READER]).await.unwrap().close().await;
    let made = db.audited().await;
    assert_eq!(
        made,
        ["permission.create", "role.create", "role.create", "role.allow", "role.include"]
    );
    assert_eq!(db.texts("select distinct actor from audit").await, ["application"]);
    build(&db, &[WRITE], &[EDITOR, READER]).await.unwrap().close().await;
    assert_eq!(db.audited().await, made);
}

async fn a_role_that_is_there_stays_as_it_is(db: Database) {
    build(&db, &[WRITE], &[EDITOR, READER]).await.unwrap().close().await;
    db.execute("delete from role_permissions where role_name = 'editor'").await;
    let described = EDITOR.describe("Another description");
    let new = Role::new("chief").includes(&["editor"]);
    build(&db, &[WRITE], &[described, READER, new]).await.unwrap().close().await;
    assert_eq!(db.count("role_permissions where role_name = 'editor'").await, 0);
    assert_eq!(db.texts("select description from roles where name = 'editor'").await, [""]);
    assert_eq!(db.count("roles where name = 'chief'").await, 1);
}

async fn what_is_wrong_is_named(db: Database) {
    for (permissions, roles, named) in [
        (&[WRITE, WRITE][..], &[][..], "permission reports:write is there twice"),
        (&[WRITE], &[READER, READER], "role reader is there twice"),
        (&[], &[Role::new("No Role")], "\"No Role\" is no role name"),
        (&[], &[Role::new("admin")], "role admin: the role admin is built in"),
        (&[], &[Role::new("rolecall.x")], "role rolecall.x: names that begin with"),
        (&[], &[EDITOR, READER], "role editor, permissions: there is no permission reports:write"),
        (&[WRITE], &[EDITOR], "role editor, includes: there is no role reader"),
        (&[], &[Role::new("a").includes(&["a"])], "a cannot include itself"),
    ] {
        let error = build(&db, permissions, roles).await.expect_err(named);
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(db.count("roles").await, 4);
    let builder = Rolecall::connect(&db.url).await.unwrap();
    let mut wrong = settings(&db);
    wrong.public_url = Some("example.com".to_owned());
    let error = builder.settings(wrong).build().await.expect_err("no URL").to_string();
    assert!(error.starts_with("public_url: \"example.com\" is not scheme and host"), "{error}");
}

async fn a_newer_database_is_refused(db: Database) {
    build(&db, &[], &[]).await.unwrap().close().await;
    let last = our_migrations().last().unwrap().clone();
    db.execute(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         select 99990101000000, 'from the future', success, checksum, 0 from _sqlx_migrations
         limit 1",
    )
    .await;
    let error = build(&db, &[], &[]).await.expect_err(&last);
    assert!(error.contains("of a newer rolecall; start that version"), "{error}");
}
