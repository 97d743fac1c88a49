//! Whether requests should come here, and whether the process is there at all.

use crate::support::{TestApp, both_engines};

both_engines!(
    a_schema_that_is_not_ours_is_not_ready_and_the_process_is_alive,
    whether_the_process_is_alive_asks_no_database,
);

async fn a_schema_that_is_not_ours_is_not_ready_and_the_process_is_alive(t: TestApp) {
    let newest = "(select max(version) from _sqlx_migrations)";
    let ready = async || t.get("/readyz").await.outcome();
    assert_eq!(ready().await, "200");
    for (breaks, mends) in [
        (
            "alter table sessions rename to sessions_away".to_owned(),
            "alter table sessions_away rename to sessions".to_owned(),
        ),
        (
            format!("update _sqlx_migrations set success = false where version = {newest}"),
            "update _sqlx_migrations set success = true".to_owned(),
        ),
        (
            "update _sqlx_migrations set version = version + 9000".to_owned(),
            "update _sqlx_migrations set version = version - 9000".to_owned(),
        ),
    ] {
        t.db.execute(&breaks).await;
        let answer = t.get("/readyz").await;
        assert_eq!(answer.outcome(), "503", "{breaks}");
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0));
        assert!(!answer.text().contains("sessions"), "{}", answer.text());
        assert_eq!(t.get("/healthz").await.outcome(), "200", "{breaks}");
        t.db.execute(&mends).await;
        assert_eq!(ready().await, "200", "{mends}");
    }
}

async fn whether_the_process_is_alive_asks_no_database(t: TestApp) {
    let kim = t.signed_in("kim", &["admin"]).await;
    t.app.db.close().await;
    assert_eq!(t.get_as(&kim, "/healthz").await.outcome(), "200");
    assert_eq!(t.get_as(&kim, "/readyz").await.outcome(), "503");
}
