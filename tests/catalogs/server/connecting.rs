//! Who may connect, to what, and how refusals read.

use std::net::TcpListener;
use std::time::Duration;

use restock::catalog::{CatalogError, CatalogOptions, Remark};
use restock::model::Span;
use rstest::rstest;

use super::fixture::{open, options, plain};
use crate::databases::{Database, Engine};
use crate::suite::{chain, digest, packages, refused, scan};

const QUERY: &str = "SELECT digest FROM t";

/// A database with a table of one digest.
async fn with_a_row(engine: Engine) -> Option<Database> {
    let database = engine.fresh().await?;
    let insert = format!("INSERT INTO t VALUES ('{}')", digest(1));
    database.execute(&format!("CREATE TABLE t (digest VARCHAR(64)); {insert}")).await;
    Some(database)
}

/// How opening a catalog at this URL is refused.
async fn refusal(url: &str) -> (CatalogError, String) {
    let error = refused(open(&options(url), &[packages(QUERY)]).await);
    let message = chain(&error);
    assert!(!message.contains("password-"), "{message}");
    (error, message)
}

/// Expects each of these in a message.
fn expect(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}

#[rstest]
#[tokio::test]
async fn a_reader_with_select_and_nothing_else_reads(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = with_a_row(engine).await else { return };
    let user = database.create_user("reader", &["SELECT ON t"]).await;
    let catalog = open(&options(plain(&user.url)), &[packages(QUERY)]).await.unwrap();
    assert_eq!(scan(&*catalog).await.unwrap().0[0].digest, Some(digest(1)));
    let scheme = if engine == Engine::MariaDb { "mysql" } else { "postgres" };
    let place = database.url().rsplit('@').next().unwrap().to_owned();
    assert_eq!(catalog.identity(), format!("{scheme}://{place}"));
}

#[rstest]
#[tokio::test]
async fn a_table_that_may_not_be_read_is_named_with_its_grant(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = with_a_row(engine).await else { return };
    database.execute("CREATE TABLE other (a INT)").await;
    let user = database.create_user("reader", &["SELECT ON other"]).await;
    let (error, message) = refusal(&plain(&user.url)).await;
    assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
    let grant = match engine {
        Engine::MariaDb => {
            format!("GRANT SELECT ON `{}`.`t` TO '{}'@'%';", database.name(), user.name)
        }
        Engine::Postgres => format!("GRANT SELECT ON t TO {};", user.name),
    };
    expect(&message, &["collection `packages`", "denied", &grant]);
    // What the message says helps.
    database.execute(&grant).await;
    open(&options(plain(&user.url)), &[packages(QUERY)]).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_right_that_is_taken_away_between_two_passes_is_told(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = with_a_row(engine).await else { return };
    database.execute("CREATE TABLE other (a INT)").await;
    let user = database.create_user("reader", &["SELECT ON t", "SELECT ON other"]).await;
    let catalog = open(&options(plain(&user.url)), &[packages(QUERY)]).await.unwrap();
    let grantee = match engine {
        Engine::MariaDb => format!("'{}'@'%'", user.name),
        Engine::Postgres => user.name.clone(),
    };
    database.execute(&format!("REVOKE SELECT ON t FROM {grantee}")).await;
    let error = scan(&*catalog).await.unwrap_err();
    assert!(matches!(error, CatalogError::Read { .. }), "{error:?}");
    expect(&chain(&error), &["collection `packages`", "GRANT SELECT ON", &user.name]);
}

#[rstest]
#[tokio::test]
async fn a_wrong_password_and_a_wrong_database_are_told_apart(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = with_a_row(engine).await else { return };
    let user = database.create_user("reader", &["SELECT ON t"]).await;
    let wrong = plain(&user.url).replace(&user.password, "wrong-SECRET");
    let (error, message) = refusal(&wrong).await;
    assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
    expect(&message, &["check user and password of `url` in [catalog]", &user.name]);
    assert!(!message.contains("SECRET"), "{message}");
    let (error, message) =
        refusal(&plain(database.url()).replace(database.name(), "no_such_database")).await;
    assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
    expect(&message, &["check the database's name", "no_such_database"]);
}

#[rstest]
#[tokio::test]
async fn a_password_of_special_characters_is_percent_encoded(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = with_a_row(engine).await else { return };
    let user = database.create_user("reader", &["SELECT ON t"]).await;
    let change = match engine {
        Engine::MariaDb => format!("SET PASSWORD FOR '{}'@'%' = PASSWORD('p@:/?#%e ')", user.name),
        Engine::Postgres => format!("ALTER ROLE {} PASSWORD 'p@:/?#%e '", user.name),
    };
    database.execute(&change).await;
    let url = plain(&user.url).replace(&user.password, "p%40%3A%2F%3F%23%25e%20");
    open(&options(url), &[packages(QUERY)]).await.unwrap();
}

#[rstest]
#[case::mysql("mysql://u:SECRET@127.0.0.1:PORT/db?ssl-mode=DISABLED")]
#[case::postgres("postgres://u:SECRET@127.0.0.1:PORT/db?sslmode=disable")]
#[tokio::test]
async fn a_server_that_is_down_and_one_that_says_nothing_are_told_apart(#[case] url: &str) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url.replace("PORT", &silent.local_addr().unwrap().port().to_string());
    let patience = Span(Duration::from_millis(300));
    let options = CatalogOptions { connect_timeout: patience, ..options(url) };
    let message = chain(&refused(open(&options, &[packages(QUERY)]).await));
    expect(&message, &["`connect_timeout` in [catalog], 300ms", "firewalls"]);
    drop(silent);
    let error = refused(open(&options, &[packages(QUERY)]).await);
    assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
    expect(&chain(&error), &["nothing listens at 127.0.0.1", "check that the server runs"]);
    assert!(!chain(&error).contains("SECRET"), "{}", chain(&error));
}

#[rstest]
#[case::mysql("mysql://u:p@no-such-host.invalid/db")]
#[case::postgres("postgres://u:p@no-such-host.invalid/db")]
#[case::mysql_socket("mysql://u:p@localhost/db?socket=/nonexistent/mysqld.sock")]
#[case::postgres_socket("postgres://u:p@localhost/db?host=/nonexistent")]
#[tokio::test]
async fn a_place_that_does_not_exist_is_named(#[case] url: &str) {
    let error = refused(open(&options(url), &[packages(QUERY)]).await);
    assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
    let place = if url.contains("invalid") { "no-such-host.invalid" } else { "/nonexistent" };
    expect(&chain(&error), &[place, "[catalog]"]);
}

#[rstest]
#[tokio::test]
async fn whatever_writes_is_refused(#[values(Engine::MariaDb, Engine::Postgres)] engine: Engine) {
    let Some(database) = with_a_row(engine).await else { return };
    let (function, query) = match engine {
        Engine::MariaDb => (
            "CREATE FUNCTION f() RETURNS INT MODIFIES SQL DATA \
             BEGIN INSERT INTO t VALUES ('written'); RETURN 1; END",
            "SELECT digest, f() AS size FROM t",
        ),
        Engine::Postgres => (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO t VALUES ('written'); RETURN 1; END $$",
            "SELECT digest, f() AS size FROM t",
        ),
    };
    database.execute(function).await;
    let message = match open(&options(plain(database.url())), &[packages(query)]).await {
        Ok(catalog) => chain(&scan(&*catalog).await.unwrap_err()),
        Err(error) => chain(&error),
    };
    let words = if engine == Engine::MariaDb { "READ ONLY" } else { "read-only transaction" };
    expect(&message, &[words, "restock only reads"]);
    assert_eq!(database.values("SELECT digest FROM t").await, [digest(1).to_string()]);
}

/// What the server says of the product, and nothing to worry about.
#[rstest]
#[tokio::test]
async fn what_was_found_is_told(#[values(Engine::MariaDb, Engine::Postgres)] engine: Engine) {
    let Some(database) = with_a_row(engine).await else { return };
    let catalog = open(&options(plain(database.url())), &[packages(QUERY)]).await.unwrap();
    let [Remark::Found(found)] = catalog.remarks() else {
        panic!("{:?}", catalog.remarks());
    };
    let product = if engine == Engine::MariaDb { "MariaDB 1" } else { "PostgreSQL 1" };
    assert!(found.starts_with(product), "{found}");
    expect(found, &["127.0.0.1:", database.name(), "not encrypted"]);
}

#[tokio::test]
async fn a_replica_is_warned_of() {
    let Some(server) = Engine::MariaDb.start(&["read_only=ON"]) else { return };
    let database = server.fresh().await;
    database.execute("CREATE TABLE t (digest VARCHAR(64))").await;
    // A superuser may write all the same; what counts is what the server says of itself.
    let catalog = open(&options(plain(database.url())), &[packages(QUERY)]).await.unwrap();
    let [Remark::Found(_), Remark::Warning(warning)] = catalog.remarks() else {
        panic!("{:?}", catalog.remarks());
    };
    expect(warning, &["is a replica", "name the primary"]);
}
