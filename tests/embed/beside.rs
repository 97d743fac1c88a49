//! Beside an application's own tables, and later as a service.

use std::borrow::Cow;

use rolecall::Rolecall;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::host::{Host, settings};
use crate::support::{Database, Pool, both_engines};

both_engines!(
    an_application_keeps_its_own_users_table_and_migrations,
    the_service_takes_over_and_nobody_signs_in_again,
);

fn migrations() -> Migrator {
    let sql = "create table users (id bigint primary key not null, favourite text not null)";
    let kind = MigrationType::Simple;
    let own = Migration::new(1, "users of the application".into(), kind, sql.into(), false);
    Migrator { migrations: Cow::Owned(vec![own]), ..Migrator::DEFAULT }
}

async fn migrate(pool: &Pool) {
    match pool {
        Pool::Sqlite(pool) => migrations().run(pool).await.unwrap(),
        Pool::Postgres(pool) => migrations().run(pool).await.unwrap(),
    }
}

async fn an_application_keeps_its_own_users_table_and_migrations(people: Database) {
    let own = Database::create(people.engine).await;
    migrate(&own.pool).await;
    let auth = Rolecall::connect(&people.url).await.unwrap().settings(settings(&people));
    let auth = auth.build().await.unwrap();
    migrate(&own.pool).await;
    own.execute("insert into users (id, favourite) values (1, 'blue')").await;
    auth.close().await;
    Rolecall::connect(&people.url)
        .await
        .unwrap()
        .settings(settings(&people))
        .build()
        .await
        .unwrap();
    assert_eq!(own.tables().await, ["_sqlx_migrations", "users"]);
    assert_eq!(own.texts("select favourite from users").await, ["blue"]);
    assert!(people.tables().await.contains(&"sessions".to_owned()));

    // In one database the two would meet, so the application's is refused, untouched.
    let before = own.dump().await;
    let together = match Rolecall::connect(&own.url).await {
        Ok(builder) => builder.settings(settings(&own)).build().await.map(|_| ()),
        Err(error) => Err(error),
    };
    let refused = together.expect_err("another program's tables").to_string();
    assert!(refused.contains("tables of another program (users)"), "{refused}");
    own.assert_unchanged(&before).await;
}

async fn the_service_takes_over_and_nobody_signs_in_again(host: Host) {
    let kim = host.signed_in("kim", &["editor"]).await;
    host.auth.close().await;
    let account = host.service.get_as(&kim, "/account").await;
    assert_eq!(account.outcome(), "200");
    assert!(account.text().contains("kim"));
    let check = host.service.get_as(&kim, "/auth/check?role=reader").await;
    assert_eq!((check.status(), check.header("remote-user")), (200, "kim"));
}
