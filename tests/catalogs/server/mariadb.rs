//! MariaDB alone.

use super::fixture::{MariaDb, ServerFixture, open, options, plain};
use crate::databases::Engine;
use crate::suite::{chain, digest, only, packages, refused, scan};

suite!(ServerFixture<MariaDb>);

/// The library takes a row that begins with such a value for the end of all rows.
#[tokio::test]
async fn a_value_of_16_mebibytes_in_front_does_not_look_like_the_end() {
    let Some(server) = Engine::MariaDb.start(&["max_allowed_packet=64M"]) else { return };
    let database = server.fresh().await;
    database
        .execute(&format!(
            "CREATE TABLE t (id INT PRIMARY KEY, digest LONGTEXT); \
             INSERT INTO t VALUES (1, '{}'), (2, REPEAT('x', 17000000)), (3, '{}')",
            digest(1),
            digest(3)
        ))
        .await;
    let query = "SELECT digest, id AS ref FROM t";
    let catalog = open(&options(plain(database.url())), &[packages(query)]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    let digests: Vec<_> = rows.iter().map(|row| row.digest).collect();
    assert_eq!(digests, [Some(digest(1)), None, Some(digest(3))]);
    let malformed = catalog.malformed(&only(&*catalog), 9).await.unwrap();
    assert_eq!(malformed[0].reference.as_deref(), Some("2"));
}

/// The library would have `||` concatenate, and take `count` for the function.
#[tokio::test]
async fn a_query_means_what_it_means_to_every_other_client() {
    let Some(database) = Engine::MariaDb.fresh().await else { return };
    database
        .execute(&format!(
            "CREATE TABLE t (digest CHAR(64), count INT); INSERT INTO t VALUES ('{}', 5)",
            digest(1)
        ))
        .await;
    let query = "SELECT digest, count AS size, 'a' || 'b' AS name, @@sql_mode AS ref FROM t";
    let catalog = open(&options(plain(database.url())), &[packages(query)]).await.unwrap();
    assert_eq!(scan(&*catalog).await.unwrap().0[0].size, Some(5));
    let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
    assert_eq!(rows[0].name.as_deref(), Some("0"));
    let mode = database.values("SELECT @@global.sql_mode").await;
    assert_eq!(rows[0].reference.as_ref(), Some(&mode[0]));
}

#[tokio::test]
async fn times_are_in_utc_wherever_the_server_is() {
    let Some(server) = Engine::MariaDb.start(&["default_time_zone=+05:30"]) else { return };
    let database = server.fresh().await;
    database
        .execute(&format!(
            "CREATE TABLE t (digest CHAR(64), at TIMESTAMP); \
             INSERT INTO t VALUES ('{}', '2023-11-14 22:13:20')",
            digest(1)
        ))
        .await;
    let query = "SELECT digest, at AS updated_at FROM t";
    let catalog = open(&options(plain(database.url())), &[packages(query)]).await.unwrap();
    assert_eq!(scan(&*catalog).await.unwrap().0[0].updated_at, Some(1_700_000_000));
    let skew = (catalog.now().await.unwrap() - chrono::Utc::now()).num_seconds().abs();
    assert!(skew < 60, "{skew}");
}

#[tokio::test]
async fn a_query_in_mariadbs_own_words_is_still_one_statement() {
    let Some(database) = Engine::MariaDb.fresh().await else { return };
    database.execute("CREATE TABLE t (digest CHAR(64))").await;
    // This is all text in quotes where `\` does not escape, which only the server knows.
    let query = "SELECT '\\'' AS digest FROM t) AS q; DELETE FROM t; SELECT 1 FROM (SELECT 1 -- '";
    let opened = open(&options(plain(database.url())), &[packages(query)]).await;
    let message = chain(&opened.map(drop).unwrap_err());
    assert!(message.contains("is refused by the database"), "{message}");
    assert!(message.contains("DELETE"), "{message}");
    let query = "SELECT digest FROM t # ' \n) AS q; DELETE FROM t; SELECT 1 FROM (SELECT 1 # '";
    let message = chain(&refused(open(&options(plain(database.url())), &[packages(query)]).await));
    assert!(message.contains("has a `)` without its `(`"), "{message}");
}

#[tokio::test]
async fn texts_in_every_quote_of_mariadb_are_read() {
    let Some(database) = Engine::MariaDb.fresh().await else { return };
    database
        .execute(&format!(
            "CREATE TABLE t (digest CHAR(64), name VARCHAR(9)); INSERT INTO t VALUES ('{}', \"it's\")",
            digest(1)
        ))
        .await;
    for condition in [
        r"name = 'it\'s'",
        "name = \"it's\" AND 'x' <> \") \\\" ;\"",
        "'?' <> ':id' # ) '",
        "5--3 = 8 AND `name` = 'it''s'",
        "@@version <> '?'",
    ] {
        let query = format!("SELECT digest FROM t WHERE {condition}");
        let opened = open(&options(plain(database.url())), &[packages(&query)]).await;
        let catalog = opened.unwrap_or_else(|error| panic!("{query}: {}", chain(&error)));
        assert_eq!(scan(&*catalog).await.unwrap().0.len(), 1, "{query}");
    }
    for condition in ["digest = ?", "digest = :id", "1 /*! ) */ = 1"] {
        let query = format!("SELECT digest FROM t WHERE {condition}");
        refused(open(&options(plain(database.url())), &[packages(&query)]).await);
    }
}
