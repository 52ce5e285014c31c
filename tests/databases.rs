//! What other tests build on: databases and servers of their own, TLS, and users with few rights.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and reads what tests/run sets"
)]

#[path = "support/databases.rs"]
mod databases;

use std::path::Path;

use databases::{Database, Engine, Tls};
use rstest::rstest;
use sqlx::{Connection, MySqlConnection, PgConnection};

#[rstest]
#[tokio::test]
async fn a_fresh_database_is_empty_and_goes_with_its_users(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let (Some(one), Some(two)) = (engine.fresh().await, engine.fresh().await) else { return };
    let table = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1); INSERT INTO t VALUES (22)";
    one.execute(table).await;
    assert_eq!(one.values("SELECT a FROM t ORDER BY a").await, ["1", "22"]);
    let error = engine.query(two.url(), "SELECT a FROM t").await.unwrap_err();
    assert!(error.to_string().contains("exist"), "{error}");
    one.create_user("reader", &["SELECT ON t"]).await;
    assert_eq!(named(&two, &one).await, ["1", "1"]);
    let dropped = one.name().to_owned();
    drop(one);
    assert_eq!(named_like(&two, &dropped).await, ["0", "0"]);
}

/// How many databases, and how many users, are named after a database.
async fn named(by: &Database, database: &Database) -> Vec<String> {
    named_like(by, database.name()).await
}

async fn named_like(by: &Database, name: &str) -> Vec<String> {
    let (databases, users) = match by.engine() {
        Engine::MariaDb => {
            ("information_schema.schemata WHERE schema_name", "mysql.user WHERE user")
        }
        Engine::Postgres => ("pg_database WHERE datname", "pg_roles WHERE rolname"),
    };
    let counts = [databases, users].map(|of| format!("SELECT count(*) FROM {of} LIKE '{name}%'"));
    by.values(&counts.join(" UNION ALL ")).await
}

#[rstest]
#[tokio::test]
async fn a_user_has_the_rights_that_were_granted_and_no_more(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    database.execute("CREATE TABLE open (a INT); CREATE TABLE closed (a INT)").await;
    let user = database.create_user("reader", &["SELECT ON open"]).await;
    assert_eq!(engine.query(&user.url, "SELECT a FROM open").await.unwrap(), [""; 0]);
    for refused in ["SELECT a FROM closed", "INSERT INTO open VALUES (1)"] {
        let error = engine.query(&user.url, refused).await.unwrap_err();
        assert!(error.to_string().contains("denied"), "{error}");
    }
    let wrong = user.url.replace(&user.password, "wrong");
    let error = engine.query(&wrong, "SELECT 1").await.unwrap_err();
    assert!(error.to_string().contains(&user.name), "{error}");
}

#[rstest]
#[tokio::test]
async fn what_was_committed_survives_a_stop_and_a_kill(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    database.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)").await;
    let url = server.url().to_owned();

    server.stop();
    assert!(matches!(engine.query(&url, "SELECT 1").await, Err(sqlx::Error::Io(_))));
    server.restart();
    assert_eq!(server.url(), url);
    assert_eq!(database.values("SELECT a FROM t").await, ["1"]);

    let user = database.create_user("late", &["SELECT ON t"]).await;
    database.execute("INSERT INTO t VALUES (2)").await;
    server.kill();
    assert!(matches!(engine.query(&url, "SELECT 1").await, Err(sqlx::Error::Io(_))));
    server.restart();
    let read = engine.query(&user.url, "SELECT a FROM t ORDER BY a").await.unwrap();
    assert_eq!(read, ["1", "2"]);
}

#[rstest]
#[tokio::test]
async fn whoever_is_connected_learns_of_a_stop_and_of_a_kill(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
    #[values(true, false)] orderly: bool,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let (mut mariadb, mut postgres) = (None, None);
    match engine {
        Engine::MariaDb => mariadb = Some(MySqlConnection::connect(server.url()).await.unwrap()),
        Engine::Postgres => postgres = Some(PgConnection::connect(server.url()).await.unwrap()),
    }
    if orderly {
        server.stop();
    } else {
        server.kill();
    }
    if let Some(connection) = &mut mariadb {
        connection.ping().await.unwrap_err();
    }
    if let Some(connection) = &mut postgres {
        connection.ping().await.unwrap_err();
    }
    server.restart();
    assert_eq!(engine.query(server.url(), "SELECT 1").await.unwrap(), ["1"]);
}

#[rstest]
#[case::mariadb(Engine::MariaDb, "net_write_timeout=2", "SELECT @@global.net_write_timeout", "2")]
#[case::postgres(Engine::Postgres, "statement_timeout=2s", "SHOW statement_timeout", "2s")]
#[tokio::test]
async fn a_server_gets_its_settings_again_after_a_restart(
    #[case] engine: Engine,
    #[case] setting: &str,
    #[case] question: &str,
    #[case] answer: &str,
) {
    let Some(mut server) = engine.start(&[setting]) else { return };
    assert_eq!(engine.query(server.url(), question).await.unwrap(), [answer]);
    server.kill();
    server.restart();
    assert_eq!(engine.query(server.url(), question).await.unwrap(), [answer]);
}

#[tokio::test]
async fn a_server_may_insist_on_encryption() {
    let engine = Engine::MariaDb;
    let Some(server) = engine.start(&["require_secure_transport=ON"]) else { return };
    let database = server.fresh().await;
    database.execute("CREATE TABLE t (a INT)").await;
    let error = engine.query(&without_tls(engine, server.url()), "SELECT 1").await.unwrap_err();
    assert!(error.to_string().contains("denied"), "{error}");
}

/// A URL that trusts this CA alone, and which host it names.
fn with_ca(engine: Engine, url: &str, ca: &Path, host: &str) -> String {
    let url = url.replace("127.0.0.1", host);
    let ca = ca.display();
    match engine {
        Engine::MariaDb => format!("{url}?ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}"),
        Engine::Postgres => format!("{url}?sslmode=verify-full&sslrootcert={ca}"),
    }
}

fn with_certificate(engine: Engine, url: &str, tls: &Tls) -> String {
    let url = with_ca(engine, url, &tls.ca, "localhost");
    let (cert, key) = (tls.cert.display(), tls.key.display());
    match engine {
        Engine::MariaDb => format!("{url}&ssl-cert={cert}&ssl-key={key}"),
        Engine::Postgres => format!("{url}&sslcert={cert}&sslkey={key}"),
    }
}

fn without_tls(engine: Engine, url: &str) -> String {
    match engine {
        Engine::MariaDb => format!("{url}?ssl-mode=DISABLED"),
        Engine::Postgres => format!("{url}?sslmode=disable"),
    }
}

#[rstest]
#[tokio::test]
async fn the_servers_have_certificates_of_the_runs_ca(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let (Some(database), Some(tls)) = (engine.fresh().await, Tls::of_this_run()) else { return };
    let encrypted = match engine {
        Engine::MariaDb => {
            "SELECT variable_value <> '' FROM information_schema.session_status \
             WHERE variable_name = 'Ssl_version'"
        }
        Engine::Postgres => "SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    };
    for host in ["127.0.0.1", "localhost"] {
        let url = with_ca(engine, database.url(), &tls.ca, host);
        assert_eq!(engine.query(&url, encrypted).await.unwrap(), ["1"], "{host}");
    }
    let plain = without_tls(engine, database.url());
    assert_eq!(engine.query(&plain, encrypted).await.unwrap(), ["0"]);
    // A CA that signed nothing.
    let stranger = with_ca(engine, database.url(), &tls.cert, "localhost");
    let error = engine.query(&stranger, "SELECT 1").await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[rstest]
#[case::tls(false)]
#[case::certificate(true)]
#[tokio::test]
async fn users_can_be_required_to_use_tls_or_a_certificate(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
    #[case] certificate: bool,
) {
    let (Some(database), Some(tls)) = (engine.fresh().await, Tls::of_this_run()) else { return };
    database.execute("CREATE TABLE t (a INT)").await;
    let user = database.create_user("careful", &["SELECT ON t"]).await;
    let (required, role) =
        if certificate { ("X509", "certificate_required") } else { ("SSL", "tls_required") };
    let requirement = match engine {
        Engine::MariaDb => format!("ALTER USER '{}'@'%' REQUIRE {required}", user.name),
        Engine::Postgres => format!("GRANT {role} TO {}", user.name),
    };
    let (plain, trusting, known) = (
        without_tls(engine, &user.url),
        with_ca(engine, &user.url, &tls.ca, "localhost"),
        with_certificate(engine, &user.url, &tls),
    );
    engine.query(&plain, "SELECT 1").await.unwrap();
    database.execute(&requirement).await;
    engine.query(&plain, "SELECT 1").await.unwrap_err();
    assert_eq!(engine.query(&trusting, "SELECT 1").await.is_err(), certificate);
    assert_eq!(engine.query(&known, "SELECT 1").await.unwrap(), ["1"]);
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let started = std::panic::catch_unwind(|| Engine::Postgres.start(&["no_such_setting=1"]));
    let Err(panic) = started else {
        assert!(started.unwrap().is_none());
        return;
    };
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("no_such_setting"), "{message}");
}
