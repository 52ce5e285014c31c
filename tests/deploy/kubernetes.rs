//! The example for Kubernetes.

use serde_json::{Value, json};

use crate::files::{documents, items, text};

const DAEMON: &str = "deploy/kubernetes/restock.yaml";
const AUDIT: &str = "deploy/kubernetes/audit.yaml";

fn of_kind(path: &str, kind: &str) -> Value {
    let mut found: Vec<_> =
        documents(path).into_iter().filter(|document| document["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{path}: {kind}");
    found.remove(0)
}

fn pods() -> [Value; 2] {
    let daemon = of_kind(DAEMON, "Deployment")["spec"]["template"]["spec"].clone();
    let job = of_kind(AUDIT, "CronJob");
    [daemon, job["spec"]["jobTemplate"]["spec"]["template"]["spec"].clone()]
}

#[test]
fn pods_fit_the_restricted_standard() {
    for pod in pods() {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
        assert_eq!(pod["automountServiceAccountToken"], false);
        let [container] = items(&pod["containers"]) else { panic!("{pod}") };
        let expected = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(container["securityContext"], expected);
        assert_ne!(container["resources"]["limits"]["memory"], Value::Null);
        // 0440 is a number in base 8 to the YAML of Kubernetes.
        let modes = items(&pod["volumes"]).iter().map(|volume| &volume["secret"]["defaultMode"]);
        let modes: Vec<_> = modes.filter(|mode| !mode.is_null()).collect();
        assert_eq!(modes.len(), 1);
    }
}

#[test]
fn one_works_and_one_waits() {
    let deployment = of_kind(DAEMON, "Deployment");
    assert_eq!(deployment["spec"]["replicas"], 2);
    let [container] = items(&pods()[0]["containers"]).to_vec().try_into().unwrap();
    let container: Value = container;
    assert_eq!(container["args"], json!(["run", "--config", "/etc/restock/restock.toml"]));
    // A pod that is not ready would not be scraped when it matters.
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    let config = of_kind(DAEMON, "ConfigMap");
    let toml: toml::Table = text(&config["data"]["restock.toml"]).parse().unwrap();
    let port = container["ports"][0]["containerPort"].as_u64().unwrap();
    let listen = toml["http"]["listen"].as_str().unwrap();
    assert_eq!(listen, format!("0.0.0.0:{port}"));
    assert_eq!(toml["heal"]["enabled"].as_bool(), Some(false), "it begins by observing");
}

/// Exit codes that a second try would not change, as the README lists them.
#[test]
fn an_audit_is_not_repeated_where_that_cannot_help() {
    let job = of_kind(AUDIT, "CronJob");
    let rules = items(&job["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]).to_vec();
    assert_eq!(rules[0]["action"], "FailJob");
    assert_eq!(rules[0]["onExitCodes"]["values"], json!([2, 3, 4, 64, 78]));
    let [_, pod] = pods();
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(pod["containers"][0]["args"][0], "audit");
    assert_eq!(job["spec"]["concurrencyPolicy"], "Forbid");
}

/// The port on which a daemon listens unless it is told otherwise.
#[test]
fn everything_that_asks_the_daemon_asks_its_port_by_its_routes() {
    let port = restock::http::HttpOptions::default().address().unwrap().unwrap().port();
    let [daemon, _] = pods();
    let container = &daemon["containers"][0];
    assert_eq!(container["ports"], json!([{"name": "http", "containerPort": port}]));
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "http", "{probe}");
    }
    let monitor = of_kind("deploy/kubernetes/podmonitor.yaml", "PodMonitor");
    let scraped = json!([{"port": "http", "path": "/metrics"}]);
    assert_eq!(monitor["spec"]["podMetricsEndpoints"], scraped);
    let policy = of_kind("deploy/kubernetes/networkpolicy.yaml", "NetworkPolicy");
    assert_eq!(policy["spec"]["ingress"][0]["ports"], json!([{"protocol": "TCP", "port": "http"}]));
    let [example] = documents("deploy/prometheus/scrape.example.yml").try_into().unwrap();
    let example: Value = example;
    let jobs = items(&example["scrape_configs"]);
    let job = jobs.iter().find(|job| job["job_name"] == "restock").unwrap();
    for target in items(&job["static_configs"][0]["targets"]) {
        assert!(text(target).ends_with(&format!(":{port}")), "{target}");
    }
    assert_eq!(job["metrics_path"], Value::Null, "/metrics is where Prometheus looks");
}
