//! Encryption: what is checked of a server, what is shown to it, and what is said where there is
//! none.

use std::path::{Path, PathBuf};

use restock::catalog::{CatalogError, CatalogOptions, Remark};
use rstest::rstest;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::fixture::{open, options};
use crate::databases::{Database, Engine, Tls};
use crate::suite::{chain, packages, refused};

/// A database whose only digest is whether the reader's connection is encrypted.
async fn database(engine: Engine) -> Option<(Database, String, Tls)> {
    let (database, tls) = (engine.fresh().await?, Tls::of_this_run()?);
    let query = match engine {
        Engine::MariaDb => {
            "SELECT variable_value AS digest FROM information_schema.session_status \
             WHERE variable_name = 'Ssl_version'"
        }
        Engine::Postgres => {
            "SELECT coalesce(version, '') AS digest FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        }
    };
    Some((database, query.to_owned(), tls))
}

/// The TLS version of a connection with these options, or how it is refused.
async fn version(options: &CatalogOptions, query: &str) -> Result<String, CatalogError> {
    let catalog = open(options, &[packages(query)]).await?;
    let rows = catalog.malformed(&catalog.collections()[0], 1).await?;
    Ok(rows[0].shown.trim_matches('`').to_owned())
}

async fn refusal(options: &CatalogOptions, query: &str) -> String {
    let error = refused(open(options, &[packages(query)]).await);
    assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
    chain(&error)
}

fn with_ca(url: impl Into<String>, ca: &Path) -> CatalogOptions {
    CatalogOptions { tls_ca_file: Some(ca.to_owned()), ..options(url) }
}

/// The same database by way of another address of this machine, which is in no certificate.
async fn elsewhere(url: &str) -> String {
    let own = Url::parse(url).unwrap();
    let server = (own.host_str().unwrap().to_owned(), own.port().unwrap());
    let relay = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = relay.local_addr().unwrap();
    drop(tokio::spawn(async move {
        while let Ok((mut client, _)) = relay.accept().await {
            let mut server = TcpStream::connect(server.clone()).await.unwrap();
            drop(tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await }));
        }
    }));
    let mut relayed = own.clone();
    relayed.set_host(Some("127.0.0.2")).unwrap();
    relayed.set_port(Some(address.port())).unwrap();
    relayed.into()
}

#[rstest]
#[tokio::test]
async fn with_an_authority_the_server_and_its_name_are_verified(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, query, tls)) = database(engine).await else { return };
    for host in ["127.0.0.1", "localhost"] {
        let options = with_ca(database.url().replace("127.0.0.1", host), &tls.ca);
        let version = version(&options, &query).await.unwrap();
        assert!(version.starts_with("TLSv1."), "{version}");
        let catalog = open(&options, &[packages(&query)]).await.unwrap();
        let [Remark::Found(found)] = catalog.remarks() else { panic!("{:?}", catalog.remarks()) };
        assert!(found.ends_with("encrypted and verified"), "{found}");
    }
    let elsewhere = elsewhere(database.url()).await;
    let message = refusal(&with_ca(&elsewhere, &tls.ca), &query).await;
    assert!(message.contains("as the certificate names it"), "{message}");
    assert!(message.contains("127.0.0.2"), "{message}");
    let unnamed = with_ca(format!("{elsewhere}?sslmode=verify-ca"), &tls.ca);
    let catalog = open(&unnamed, &[packages(&query)]).await.unwrap();
    assert!(format!("{:?}", catalog.remarks()).contains("for whatever name"));
    // An authority that signed nothing; here it is no authority at all.
    let message = refusal(&with_ca(database.url(), &tls.cert), &query).await;
    assert!(message.contains("`tls_ca_file` in [catalog] has to hold"), "{message}");
    // Without an authority of ours, the system's are asked, which do not know it.
    let public = options(format!("{}?sslmode=verify-full", database.url()));
    let message = refusal(&public, &query).await;
    assert!(message.contains("`tls_ca_file` in [catalog] has to hold"), "{message}");
}

#[rstest]
#[tokio::test]
async fn a_server_that_can_encrypt_does_unless_it_is_told_not_to(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, query, tls)) = database(engine).await else { return };
    for (parameter, encrypted) in [
        ("", true),
        ("?sslmode=prefer", true),
        ("?sslmode=REQUIRED", true),
        ("?ssl-mode=disable", false),
        ("?ssl-mode=DISABLED", false),
    ] {
        let options = options(format!("{}{parameter}", database.url()));
        let version = version(&options, &query).await.unwrap();
        assert_eq!(version.starts_with("TLS"), encrypted, "{parameter}: {version}");
    }
    let ca = tls.ca.display();
    let of_url = options(format!("{}?ssl-ca={ca}", database.url()));
    assert!(version(&of_url, &query).await.unwrap().starts_with("TLS"));
}

#[rstest]
#[case::mariadb(Engine::MariaDb, &["skip_ssl"])]
#[case::postgres(Engine::Postgres, &["ssl=off"])]
#[tokio::test]
async fn where_a_server_cannot_encrypt_that_is_told_and_warned_of_elsewhere(
    #[case] engine: Engine,
    #[case] settings: &[&str],
) {
    let (Some(server), Some(tls)) = (engine.start(settings), Tls::of_this_run()) else { return };
    let database = server.fresh().await;
    database.execute("CREATE TABLE t (digest VARCHAR(64))").await;
    let query = "SELECT digest FROM t";
    let catalog = open(&options(database.url()), &[packages(query)]).await.unwrap();
    let [Remark::Found(found)] = catalog.remarks() else { panic!("{:?}", catalog.remarks()) };
    assert!(found.ends_with("not encrypted"), "{found}");
    for options in
        [options(format!("{}?sslmode=require", database.url())), with_ca(database.url(), &tls.ca)]
    {
        let message = refusal(&options, query).await;
        assert!(message.contains("does not encrypt"), "{message}");
        assert!(message.contains("switch TLS on in the server"), "{message}");
    }
}

/// 0.0.0.0 is this machine, though not by its name.
#[rstest]
#[tokio::test]
async fn an_unverified_connection_to_another_machine_is_warned_of_and_one_on_loopback_is_not(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, query, _)) = database(engine).await else { return };
    let warnings = async |host: &str, mode: &str| {
        let url = format!("{}{mode}", database.url().replace("127.0.0.1", host));
        let catalog = open(&options(url), &[packages(&query)]).await.unwrap();
        let warning = |remark: &Remark| match remark {
            Remark::Warning(text) => Some(text.clone()),
            Remark::Found(_) => None,
        };
        catalog.remarks().iter().filter_map(warning).collect::<Vec<_>>()
    };
    for mode in ["", "?sslmode=require"] {
        assert_eq!(warnings("127.0.0.1", mode).await, [""; 0]);
        let told = warnings("0.0.0.0", mode).await;
        assert!(told[0].contains("the certificate of 0.0.0.0:") && told.len() == 1, "{told:?}");
        assert!(told[0].contains("is not verified") && told[0].contains("tls_ca_file"), "{told:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_server_may_ask_for_encryption_and_for_a_certificate(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, query, tls)) = database(engine).await else { return };
    database.execute("CREATE TABLE t (a INT)").await;
    let user = database.create_user("careful", &["SELECT ON t"]).await;
    let require = |what: &str, role: &str| match engine {
        Engine::MariaDb => format!("ALTER USER '{}'@'%' REQUIRE {what}", user.name),
        Engine::Postgres => format!("GRANT {role} TO {}", user.name),
    };
    let plain = options(format!("{}?sslmode=disable", user.url));
    open(&plain, &[packages(&query)]).await.unwrap();
    database.execute(&require("SSL", "tls_required")).await;
    refusal(&plain, &query).await;
    version(&with_ca(&user.url, &tls.ca), &query).await.unwrap();
    database.execute(&require("X509", "certificate_required")).await;
    let message = refusal(&with_ca(&user.url, &tls.ca), &query).await;
    assert!(message.contains("certificate"), "{message}");
    let with_cert = |cert: &PathBuf, key: &PathBuf| CatalogOptions {
        tls_cert_file: Some(cert.clone()),
        tls_key_file: Some(key.clone()),
        ..with_ca(&user.url, &tls.ca)
    };
    version(&with_cert(&tls.cert, &tls.key), &query).await.unwrap();
    // A certificate with somebody else's key.
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("other.key");
    std::fs::write(&key, other).unwrap();
    let message = refusal(&with_cert(&tls.cert, &key), &query).await;
    assert!(message.contains("tls_key_file"), "{message}");
}

#[rstest]
#[case::mysql("mysql://u:p@h.invalid/db")]
#[case::postgres("postgres://u:p@h.invalid/db")]
#[tokio::test]
async fn files_that_hold_no_pem_are_named_with_their_key(#[case] url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.pem"), folder.path().join("bad.pem"));
    let (pair, absent) = (rcgen::KeyPair::generate().unwrap(), folder.path().join("absent.pem"));
    let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
    std::fs::write(&good, certificate.pem()).unwrap();
    std::fs::write(&bad, "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----")
        .unwrap();
    for (ca, cert, key, part) in [
        (Some(&absent), None, None, "`tls_ca_file` of [catalog]"),
        (Some(&bad), None, None, "`tls_ca_file` of [catalog]"),
        (None, Some(&bad), Some(&good), "`tls_cert_file` of [catalog]"),
        (None, Some(&good), Some(&good), "`tls_key_file` of [catalog]"),
        (None, Some(&good), Some(&absent), "`tls_key_file` of [catalog]"),
    ] {
        let options = CatalogOptions {
            tls_ca_file: ca.cloned(),
            tls_cert_file: cert.cloned(),
            tls_key_file: key.cloned(),
            ..options(url)
        };
        let error = refused(open(&options, &[packages("SELECT 1 AS digest")]).await);
        assert!(matches!(error, CatalogError::Configuration { .. }), "{error:?}");
        assert!(chain(&error).contains(part), "{}", chain(&error));
    }
}
