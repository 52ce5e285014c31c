//! PostgreSQL alone.

use sqlx::postgres::PgListener;

use super::fixture::{Postgres, ServerFixture, open, options, plain};
use crate::databases::Engine;
use crate::suite::{chain, digest, only, packages, refused, scan};

suite!(ServerFixture<Postgres>);

/// A pooler that gives each transaction another connection trips over what was prepared on it.
#[tokio::test]
async fn nothing_is_left_behind_on_a_connection() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    database
        .execute(&format!(
            "CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE t (digest text, mood mood); \
             INSERT INTO t VALUES ('{}', 'fine')",
            digest(1)
        ))
        .await;
    let query = "SELECT digest, mood AS source_url, \
                 (SELECT count(*) FROM pg_prepared_statements) AS size, \
                 current_setting('default_transaction_read_only') || ' ' || \
                 current_setting('transaction_read_only') AS name, \
                 (SELECT count(*) FROM pg_settings WHERE source = 'session')::text AS ref FROM t";
    let catalog = open(&options(plain(database.url())), &[packages(query)]).await.unwrap();
    scan(&*catalog).await.unwrap();
    let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
    // No size is 0: nothing is prepared under a name.
    assert_eq!((rows[0].size, rows[0].name.as_deref()), (None, Some("off on")));
}

/// A notification is what a transaction that may only read leaves behind when it commits.
#[tokio::test]
async fn what_a_query_begins_besides_reading_comes_to_nothing() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    let table = format!("CREATE TABLE t (digest text); INSERT INTO t VALUES ('{}')", digest(1));
    database.execute(&table).await;
    let mut listener = PgListener::connect(database.url()).await.unwrap();
    listener.listen("restock").await.unwrap();
    let query = "SELECT digest, pg_notify('restock', 'from a catalog')::text AS name FROM t";
    let catalog = open(&options(plain(database.url())), &[packages(query)]).await.unwrap();
    scan(&*catalog).await.unwrap();
    catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
    database.execute("NOTIFY restock, 'from a writer'").await;
    assert_eq!(listener.recv().await.unwrap().payload(), "from a writer");
}

#[tokio::test]
async fn times_are_in_utc_wherever_the_server_is() {
    let settings = ["TimeZone=Asia/Kolkata", "DateStyle=SQL,DMY", "bytea_output=escape"];
    let Some(server) = Engine::Postgres.start(&settings) else { return };
    let database = server.fresh().await;
    database
        .execute(&format!(
            "CREATE TABLE t (digest bytea, at timestamptz, day date); INSERT INTO t VALUES \
             ('\\x{}', '2023-11-15 03:43:20+05:30', '2023-11-14')",
            digest(1)
        ))
        .await;
    for (column, expected) in [("at", 1_700_000_000), ("day", 1_699_920_000)] {
        let query = format!("SELECT digest, {column} AS updated_at FROM t");
        let catalog = open(&options(plain(database.url())), &[packages(&query)]).await.unwrap();
        let (rows, _) = scan(&*catalog).await.unwrap();
        assert_eq!((rows[0].digest, rows[0].updated_at), (Some(digest(1)), Some(expected)));
        let skew = (catalog.now().await.unwrap() - chrono::Utc::now()).num_seconds().abs();
        assert!(skew < 60, "{skew}");
    }
}

#[tokio::test]
async fn a_query_in_postgres_own_words_is_still_one_statement() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    database.execute("CREATE TABLE t (digest text)").await;
    // This is all text in quotes where `\` escapes, which only the server knows.
    let query = "SELECT '\\' AS digest) AS q; COMMIT; DELETE FROM t; \
                 SELECT 1 FROM (SELECT 'x' AS digest -- '";
    let opened = open(&options(plain(database.url())), &[packages(query)]).await;
    let message = chain(&opened.map(drop).unwrap_err());
    assert!(message.contains("the query of collection `packages`"), "{message}");
    assert!(message.contains("multiple commands"), "{message}");
}

/// Somebody's own startup parameters, as far as the URL names them.
#[tokio::test]
async fn texts_in_every_quote_of_postgres_are_read() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    database
        .execute(&format!(
            "CREATE TABLE t (digest text, tags jsonb, list int[]); \
             INSERT INTO t VALUES ('{}', '{{\"it''s\": 1}}', '{{1, 2}}')",
            digest(1)
        ))
        .await;
    for (condition, n) in [
        (r"tags ? E'it\'s'", 1),
        ("tags ? $x$it's$x$", 1),
        ("'x' <> $x$ ) $x$ AND list[1:2]::text = '{1,2}'", 1),
        (r"'\' <> 'x' AND '?' <> ':id'", 1),
        ("false /* ) /* ' */ */", 0),
    ] {
        let query = format!("SELECT digest FROM t WHERE {condition}");
        let opened = open(&options(plain(database.url())), &[packages(&query)]).await;
        let catalog = opened.unwrap_or_else(|error| panic!("{query}: {}", chain(&error)));
        assert_eq!(scan(&*catalog).await.unwrap().0.len(), n, "{query}");
    }
    for condition in ["digest = $1", "digest = :id", "$x$ = 'x'", "[)] = 1"] {
        let query = format!("SELECT digest FROM t WHERE {condition}");
        refused(open(&options(plain(database.url())), &[packages(&query)]).await);
    }
}

#[tokio::test]
async fn parameters_of_the_url_reach_the_server() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    database
        .execute(&format!(
            "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t (digest text); \
             INSERT INTO elsewhere.t VALUES ('{}')",
            digest(1)
        ))
        .await;
    let query = "SELECT digest, current_setting('application_name') AS name FROM t";
    let url = plain(database.url());
    let message = chain(&open(&options(&url), &[packages(query)]).await.map(drop).unwrap_err());
    assert!(message.contains("is written schema.table"), "{message}");
    let url = format!("{url}&options[search_path]=elsewhere&application_name=audit");
    let catalog = open(&options(url), &[packages(query)]).await.unwrap();
    let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
    assert_eq!(rows[0].name.as_deref(), Some("audit"));
}
