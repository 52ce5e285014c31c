//! Columns of every type in every role, and digests in every type that can hold one.

use std::collections::BTreeSet;

use restock::catalog::CatalogError;
use rstest::rstest;

use super::fixture::{open, options, plain};
use crate::databases::{Database, Engine};
use crate::suite::{chain, digest, only, packages, refused, scan};

/// Every column that restock reads, each the same value.
fn in_every_role(value: &str) -> String {
    let roles = [
        "digest",
        "size",
        "updated_at",
        "source_url",
        "name",
        "ref",
        "restock_maintained_app",
        "restock_script",
        "restock_active",
    ];
    let columns = roles.map(|role| format!("{value} AS {role}"));
    columns.join(", ")
}

/// Reads a value in every role, and gives what the digest is told to be.
async fn read(database: &Database, value: &str) -> String {
    let query = format!("SELECT {} FROM t", in_every_role(value));
    let opened = open(&options(plain(database.url())), &[packages(&query)]).await;
    let catalog = opened.unwrap_or_else(|error| panic!("{value}: {}", chain(&error)));
    let scanned = scan(&*catalog).await;
    let (rows, _) = scanned.unwrap_or_else(|error| panic!("{value}: {}", chain(&error)));
    assert_eq!((rows.len(), rows[0].digest), (1, None), "{value}");
    let collection = only(&*catalog);
    assert_eq!(catalog.rows(&collection, &[digest(1)]).await.unwrap().len(), 0, "{value}");
    let malformed = catalog.malformed(&collection, 9).await.unwrap();
    assert_eq!(malformed.len(), usize::from(rows[0].is_unreadable), "{value}");
    malformed.first().map_or("NULL".to_owned(), |row| row.shown.clone())
}

#[tokio::test]
async fn no_type_of_postgres_stops_a_scan() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    database
        .execute(
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1); \
             CREATE TYPE mood AS ENUM ('fine'); CREATE DOMAIN word AS text; \
             CREATE TYPE pair AS (a int, b text); CREATE TYPE span AS RANGE (subtype = float8)",
        )
        .await;
    for (value, shown) in [
        ("NULL", "NULL"),
        ("'x'", "`x`"),
        ("'x'::text", "`x`"),
        ("'x'::varchar(9)", "`x`"),
        ("'x'::char(9)", "`x`"),
        ("'x'::\"char\"", "`x`"),
        ("'x'::name", "`x`"),
        ("'x'::word", "`x`"),
        ("'fine'::mood", "`fine`"),
        ("7::int2", "`7`"),
        ("7::int4", "`7`"),
        ("7::int8", "`7`"),
        ("7::oid", "`7`"),
        ("7.50::numeric", "`7.50`"),
        ("'NaN'::numeric", "`NaN`"),
        ("1.5::float4", "`1.5`"),
        ("1.5::float8", "`1.5`"),
        ("'infinity'::float8", "`inf`"),
        ("7::money", "`$7.00`"),
        ("true", "`1`"),
        ("'2023-11-14 22:13:20.25+00'::timestamptz", "`2023-11-14 22:13:20.250 UTC`"),
        ("'2023-11-14 22:13:20'::timestamp", "`2023-11-14 22:13:20 UTC`"),
        ("'infinity'::timestamptz", "`infinity`"),
        ("'-infinity'::timestamp", "`-infinity`"),
        ("'0044-03-15 BC'::timestamp", "`-0043-03-15 00:00:00 UTC`"),
        ("'294276-12-31'::timestamp", "`a time beyond all calendars`"),
        ("'2023-11-14'::date", "`2023-11-14`"),
        ("'22:13:20'::time", "`22:13:20`"),
        ("'22:13:20+02'::timetz", "`22:13:20+02`"),
        ("'3 days'::interval", "`3 days`"),
        ("'\\x00ff'::bytea", "`\\0\u{fffd}`"),
        ("'123e4567-e89b-12d3-a456-426614174000'::uuid", "`123e4567-e89b-12d3-a456-426614174000`"),
        ("'{\"a\": 1}'::json", "`{\\\"a\\\": 1}`"),
        ("'{\"a\": 1}'::jsonb", "`{\\\"a\\\": 1}`"),
        ("'<a/>'::xml", "`<a/>`"),
        ("B'101'", "`101`"),
        ("B'101'::varbit", "`101`"),
        ("'10.0.0.0/8'::cidr", "`10.0.0.0/8`"),
        ("'10.0.0.1'::inet", "`10.0.0.1/32`"),
        ("'08:00:2b:01:02:03'::macaddr", "`08:00:2b:01:02:03`"),
        ("point(1, 2)", "`(1,2)`"),
        ("ARRAY[1, 2]", "`{1,2}`"),
        ("ARRAY['fine'::mood]", "`{fine}`"),
        ("ROW(1, 'x')::pair", "`(1,x)`"),
        ("ROW(1, 'x')", "`(1,x)`"),
        ("int4range(1, 5)", "`[1,5)`"),
        ("span(1, 5)", "`[1,5)`"),
        ("'t'::regclass", "`t`"),
        ("'a b'::tsvector", "`\\'a\\' \\'b\\'`"),
        ("'$.a'::jsonpath", "`$.\\\"a\\\"`"),
        ("'1/2'::pg_lsn", "`1/2`"),
    ] {
        assert_eq!(read(&database, value).await, shown, "{value}");
    }
}

#[tokio::test]
async fn no_type_of_mariadb_stops_a_scan() {
    let Some(database) = Engine::MariaDb.fresh().await else { return };
    let columns = [
        ("TINYINT", "7", "`7`"),
        ("TINYINT(1)", "1", "`1`"),
        ("SMALLINT UNSIGNED", "7", "`7`"),
        ("MEDIUMINT ZEROFILL", "7", "`00000007`"),
        ("INT", "-7", "`-7`"),
        ("BIGINT UNSIGNED", "18446744073709551615", "`18446744073709551615`"),
        ("DECIMAL(30,2)", "7.5", "`7.50`"),
        ("FLOAT", "1.5", "`1.5`"),
        ("DOUBLE", "1e300", "`1e300`"),
        ("BIT(1)", "b'1'", "`1`"),
        ("BIT(64)", "b'101'", "`5`"),
        ("DATE", "'2023-11-14'", "`2023-11-14`"),
        ("TIME(3)", "'-22:13:20.25'", "`-22:13:20.250`"),
        ("DATETIME(6)", "'2023-11-14 22:13:20.25'", "`2023-11-14 22:13:20.250000`"),
        ("TIMESTAMP NULL", "'2023-11-14 22:13:20'", "`2023-11-14 22:13:20`"),
        ("DATETIME DEFAULT 0", "'0000-00-00 00:00:00'", "`0000-00-00 00:00:00`"),
        ("YEAR", "2023", "`2023`"),
        ("CHAR(9)", "'x'", "`x`"),
        ("VARCHAR(9)", "'é'", "`é`"),
        ("VARCHAR(9) CHARACTER SET utf16", "'é'", "`é`"),
        ("VARCHAR(9) CHARACTER SET latin1", "'é'", "`é`"),
        ("TINYTEXT", "'x'", "`x`"),
        ("TEXT", "'x'", "`x`"),
        ("MEDIUMTEXT", "'x'", "`x`"),
        ("LONGTEXT COLLATE utf8mb4_bin", "'é'", "`é`"),
        ("ENUM('a', 'é')", "'é'", "`é`"),
        ("SET('a', 'b')", "'a,b'", "`a,b`"),
        ("JSON", "'{\"a\": 1}'", "`{\\\"a\\\": 1}`"),
        ("BINARY(4)", "'x'", "`x\\0\\0\\0`"),
        ("VARBINARY(9)", "X'00ff'", "`\\0\u{fffd}`"),
        ("BLOB", "'x'", "`x`"),
        ("LONGBLOB", "X'ff'", "`\u{fffd}`"),
        (
            "UUID",
            "'123e4567-e89b-12d3-a456-426614174000'",
            "`123e4567-e89b-12d3-a456-426614174000`",
        ),
        ("INET6", "'::1'", "`::1`"),
    ];
    let defined: Vec<_> =
        columns.iter().enumerate().map(|(n, (kind, _, _))| format!("c{n} {kind}")).collect();
    let values: Vec<_> = columns.iter().map(|(_, value, _)| *value).collect();
    database
        .execute(&format!(
            "SET sql_mode = ''; CREATE TABLE t (g GEOMETRY, {}); INSERT INTO t VALUES \
             (POINT(1, 2), {})",
            defined.join(", "),
            values.join(", ")
        ))
        .await;
    for (n, (kind, _, shown)) in columns.iter().enumerate() {
        assert_eq!(read(&database, &format!("c{n}")).await, *shown, "{kind}");
    }
    assert_eq!(read(&database, "NULL").await, "NULL");
    assert!(read(&database, "g").await.starts_with('`'));
}

/// What size, time and flag come to, in each type that can say them.
#[rstest]
#[case::mariadb(
    Engine::MariaDb,
    "CREATE TABLE t (digest CHAR(64), a DECIMAL(20,2), b BIGINT UNSIGNED, c DOUBLE, d TIMESTAMP(6), \
     e DATETIME, f VARCHAR(40), g BIGINT, h BIT(1), i BOOLEAN)",
    &["a", "b", "c"], &["d", "e", "f", "g"], &["h", "i"]
)]
#[case::postgres(
    Engine::Postgres,
    "CREATE TABLE t (digest CHAR(64), a numeric(20,2), b int, c float8, d timestamptz, \
     e timestamp, f varchar(40), g bigint, h bit(1), i boolean)",
    &["a", "b", "c"], &["d", "e", "f", "g"], &["h", "i"]
)]
#[tokio::test]
async fn sizes_times_and_flags_are_read_from_each_type(
    #[case] engine: Engine,
    #[case] create: &str,
    #[case] sizes: &[&str],
    #[case] times: &[&str],
    #[case] flags: &[&str],
) {
    let Some(database) = engine.fresh().await else { return };
    let bit = if engine == Engine::MariaDb { "b'0'" } else { "B'0'" };
    let zone = if engine == Engine::MariaDb { "" } else { "+00" };
    database
        .execute(&format!(
            "{}{create}; INSERT INTO t VALUES ('{}', 12, 12, 12, '2023-11-14 22:13:20{zone}', \
             '2023-11-14 22:13:20', '2023-11-15T00:13:20+02:00', 1700000000, {bit}, false)",
            if engine == Engine::MariaDb { "SET time_zone = '+00:00'; " } else { "" },
            digest(1)
        ))
        .await;
    for (size, time, flag) in times
        .iter()
        .enumerate()
        .map(|(n, time)| (sizes[n % sizes.len()], time, flags[n % flags.len()]))
    {
        let query = format!(
            "SELECT digest, {size} AS size, {time} AS updated_at, {flag} AS restock_active FROM t"
        );
        let catalog = open(&options(plain(database.url())), &[packages(&query)]).await.unwrap();
        let (rows, _) = scan(&*catalog).await.unwrap();
        assert_eq!((rows[0].size, rows[0].updated_at), (Some(12), Some(1_700_000_000)), "{query}");
        let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
        assert!(!rows[0].active, "{query}");
    }
}

/// Looks for digests 1 to 3, which are there, and 4, which is not: before a scan and after it.
async fn finds_three(database: &Database, query: &str) {
    let opened = open(&options(plain(database.url())), &[packages(query)]).await;
    let catalog = opened.unwrap_or_else(|error| panic!("{query}: {}", chain(&error)));
    let collection = only(&*catalog);
    let three = BTreeSet::from([digest(1), digest(2), digest(3)]);
    let asked: Vec<_> = (1..=4).map(digest).collect();
    for _ in 0..2 {
        let rows = catalog.rows(&collection, &asked).await.unwrap();
        let found: BTreeSet<_> = rows.iter().map(|row| row.digest).collect();
        assert_eq!((rows.len(), found), (3, three.clone()), "{query}");
        let (rows, _) = scan(&*catalog).await.unwrap();
        let found: BTreeSet<_> = rows.iter().filter_map(|row| row.digest).collect();
        assert_eq!((rows.len(), found), (3, three.clone()), "{query}");
        for one in &three {
            assert_eq!(catalog.rows(&collection, &[*one]).await.unwrap().len(), 1, "{query}");
        }
    }
}

/// Three digests as values: one in lower case, one in upper case, one raw if `raw` is.
fn three(engine: Engine, raw: bool) -> [String; 3] {
    let text = |hex: String| format!("'{hex}'");
    let bytes = |hex: String| match engine {
        Engine::MariaDb => format!("X'{hex}'"),
        Engine::Postgres => format!("'\\x{hex}'"),
    };
    let third = digest(3).to_string();
    let third = if raw { bytes(third) } else { text(third) };
    [text(digest(1).to_string()), text(digest(2).to_string().to_uppercase()), third]
}

#[rstest]
#[case::binary(Engine::MariaDb, &["BINARY(64)"], false)]
#[case::bytes(Engine::MariaDb, &["VARBINARY(64)", "TINYBLOB", "BLOB", "LONGBLOB"], true)]
#[case::text(
    Engine::MariaDb,
    &[
        "CHAR(64)",
        "CHAR(80)",
        "TINYTEXT",
        "LONGTEXT",
        "VARCHAR(64) CHARACTER SET ascii",
        "VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
        "VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_bin",
        "VARCHAR(64) CHARACTER SET ucs2",
        "VARCHAR(64) CHARACTER SET utf16 COLLATE utf16_bin",
        "VARCHAR(64) CHARACTER SET utf32",
        "VARCHAR(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_turkish_ci",
        "VARCHAR(64) COLLATE utf8mb4_unicode_ci",
        "VARCHAR(64) COLLATE utf8mb4_uca1400_as_cs",
        "VARCHAR(64) COLLATE utf8mb4_bin",
        "VARCHAR(64) COLLATE utf8mb4_nopad_bin",
    ],
    false
)]
#[case::postgres_bytes(Engine::Postgres, &["bytea"], true)]
#[case::postgres_text(
    Engine::Postgres,
    &[
        "char(64)",
        "char(80)",
        "varchar(64)",
        "text",
        "text COLLATE \"C\"",
        "text COLLATE loose",
        "citext",
        "word",
    ],
    false
)]
#[tokio::test]
async fn neither_type_nor_collation_hides_a_digest(
    #[case] engine: Engine,
    #[case] types: &[&str],
    #[case] raw: bool,
) {
    let Some(database) = engine.fresh().await else { return };
    let values = three(engine, raw);
    if engine == Engine::Postgres {
        database
            .execute(
                "CREATE EXTENSION citext; CREATE DOMAIN word AS varchar(64); \
                 CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', \
                 deterministic = false)",
            )
            .await;
    }
    for (n, kind) in types.iter().enumerate() {
        database
            .execute(&format!(
                "CREATE TABLE t{n} (digest {kind}); INSERT INTO t{n} VALUES ({}), ({}), ({})",
                values[0], values[1], values[2]
            ))
            .await;
        finds_three(&database, &format!("SELECT digest FROM t{n}")).await;
    }
}

#[tokio::test]
async fn databases_of_other_encodings_are_read() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    for encoding in ["LATIN1", "SQL_ASCII", "EUC_JP"] {
        let name = format!("{}_{}", database.name(), encoding.to_lowercase());
        database
            .execute(&format!(
                "CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0"
            ))
            .await;
        let url = database.url().replace(database.name(), &name);
        let insert = format!("INSERT INTO t VALUES ('{}', 'a name')", digest(1));
        let create = format!("CREATE TABLE t (digest text, name text); {insert}");
        Engine::Postgres.query(&plain(&url), &create).await.unwrap();
        let read = open(&options(plain(&url)), &[packages("SELECT digest, name FROM t")]).await;
        let catalog = read.unwrap();
        let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
        assert_eq!(rows[0].name.as_deref(), Some("a name"), "{encoding}");
        drop(catalog);
        database.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_query_with_two_digests_is_refused(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    database.execute("CREATE TABLE t (digest VARCHAR(64), name VARCHAR(64))").await;
    let query = "SELECT digest, name AS digest FROM t";
    let error = refused(open(&options(plain(database.url())), &[packages(query)]).await);
    assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
    assert!(chain(&error).contains("digest"), "{}", chain(&error));
}
