//! A database that stops in the middle of an audit.

use std::fs;
use std::process::{Command, Stdio};

use crate::databases::Engine;
use rstest::rstest;
use serde_json::Value;

const OBJECTS: usize = 1000;

fn configuration(url: &str, query: &str) -> String {
    format!(
        "[catalog]\nurl = \"{url}\"\npreset = \"custom\"\n[[collection]]\nname = \"c\"\n\
         key = \"c/{{digest}}\"\nquery = \"{query}\"\n[store]\nurl = \"store\"\n"
    )
}

#[rstest]
#[tokio::test]
async fn it_gives_no_verdict_and_the_next_audit_is_clean(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
    #[values(true, false)] orderly: bool,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store/c");
    fs::create_dir_all(&store).unwrap();
    let mut rows = Vec::new();
    for n in 0..OBJECTS {
        let digest = crate::fleet::digest_of(n.to_string().as_bytes());
        fs::write(store.join(&digest), n.to_string()).unwrap();
        rows.push(format!("('{digest}')"));
    }
    let rows = rows.join(", ");
    database.execute(&format!("CREATE TABLE t (d CHAR(64)); INSERT INTO t VALUES {rows}")).await;
    let configure = |query: &str| {
        let text = configuration(database.url(), query);
        fs::write(folder.path().join("restock.toml"), text).unwrap();
    };
    let restock = |line: &str| {
        let program = std::env::var("RESTOCK_TEST_BIN");
        let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_restock").to_owned());
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).current_dir(folder.path());
        command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let (sleep, running) = match engine {
        Engine::MariaDb => (
            "SELECT d AS digest FROM t WHERE SLEEP(0.02) = 0",
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(0.02)%' \
             AND info NOT LIKE '%processlist%'",
        ),
        Engine::Postgres => (
            "SELECT d AS digest FROM t WHERE pg_sleep(0.02) IS NOT NULL",
            "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.02)%' \
             AND query NOT LIKE '%pg_stat_activity%' AND state = 'active'",
        ),
    };
    configure("SELECT d AS digest FROM t");
    let first = restock("audit").output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    configure(sleep);
    let audit = restock("audit --output json").spawn().unwrap();
    let mut asked = 0;
    while database.values(running).await != ["1"] {
        asked += 1;
        assert!(asked < 3000, "the audit never came to its scan");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    if orderly {
        server.stop();
    } else {
        server.kill();
    }
    let broken = audit.wait_with_output().unwrap();
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    let report: Value = serde_json::from_slice(&broken.stdout).unwrap();
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(report["summary"]["outcome"], "failed");
    assert_eq!(report["summary"]["missing"], Value::Null);
    server.restart();
    configure("SELECT d AS digest FROM t");
    let next = restock("audit").output().unwrap();
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    let status = restock("status --output json").output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["standing"], Value::Array(Vec::new()), "{status:#}");
    assert_eq!(status["passes"].as_array().unwrap().len(), 3);
}
