//! [`Prometheus`]: a server of its own with the shipped rules.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::until;

/// The server; it ends with the value.
pub(crate) struct Prometheus {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Prometheus {
    /// The program. `None`, said aloud, where there is none; with CI=true that is a failure.
    pub(crate) fn program() -> Option<String> {
        let program = std::env::var("RESTOCK_TEST_PROMETHEUS").unwrap_or("prometheus".to_owned());
        if Command::new(&program).arg("--version").output().is_ok() {
            return Some(program);
        }
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{program}: use tests/run");
        eprintln!("not tested: there is no {program}; `tests/run` installs it");
        None
    }

    /// Scrapes an address each second, with the shipped rules, of which nothing is changed but how
    /// long an alert waits.
    pub(crate) fn watching(program: &str, address: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("restock.rules.yml"), rules()).unwrap();
        std::fs::write(folder.path().join("prometheus.yml"), configuration(address)).unwrap();
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("prometheus.log")).unwrap();
        let child = Command::new(program)
            .current_dir(folder.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let prometheus = Self { child, port, folder };
        until("Prometheus", || prometheus.get("/-/ready").is_some());
        prometheus
    }

    fn get(&self, path: &str) -> Option<String> {
        get(&format!("127.0.0.1:{}", self.port), path)
    }

    fn asked(&self, path: &str) -> Value {
        let answer = self.get(path).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }

    /// The alerts that fire, each as its name and, where it has one, its reason.
    pub(crate) fn firing(&self) -> Vec<String> {
        let alerts = self.asked("/api/v1/alerts")["alerts"].clone();
        let firing = alerts.as_array().unwrap().iter().filter(|alert| alert["state"] == "firing");
        let mut names: Vec<_> = firing
            .map(|alert| {
                let label = |name: &str| alert["labels"][name].as_str().unwrap_or("").to_owned();
                format!("{} {}", label("alertname"), label("reason")).trim().to_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// The value of a query with one answer; `None` where there is none.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let result = self.asked(&format!("/api/v1/query?query={query}"))["result"].clone();
        assert!(result.as_array().unwrap().len() < 2, "{result}");
        result[0]["value"][1].as_str().map(|value| value.parse().unwrap())
    }

    #[track_caller]
    pub(crate) fn fires(&self, alert: &str) {
        until(&format!("{alert}; fires: {:?}", self.firing()), || {
            self.firing().iter().any(|own| own == alert)
        });
    }

    #[track_caller]
    pub(crate) fn is_silent_about(&self, alert: &str) {
        until(&format!("the end of {alert}"), || {
            !self.firing().iter().any(|own| own.starts_with(alert))
        });
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("prometheus.log"));
            eprintln!("{}", log.unwrap_or_default());
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The rules as they are shipped; who waits half an hour in them waits a second here.
fn rules() -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/restock.rules.yml");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let lines = shipped.lines().map(|line| {
        let waits = line.trim_start().starts_with("for: ");
        if waits { "        for: 1s" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn configuration(address: &str) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: [restock.rules.yml]\n\
         scrape_configs:\n\
         - job_name: restock\n\
         \x20 static_configs: [{{targets: [\"{address}\"]}}]\n"
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The body of a page; `None` where nobody answers, or not with 200.
pub(crate) fn get(address: &str, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(address).ok()?;
    let head = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.contains(" 200 ").then(|| body.to_owned())
}
