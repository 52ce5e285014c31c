//! Permissions for stores: as few as each task needs, and the one to delete for none but those that
//! take objects away.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use serde_json::Value;

use crate::files::{below, document, items, read, root, text};

const S3_READS: &[&str] = &["s3:ListBucket", "s3:GetObject"];
const S3_WRITES: &[&str] = &["s3:PutObject", "s3:AbortMultipartUpload"];

fn one_or_more(value: &Value) -> Vec<&str> {
    value.as_array().map_or_else(|| vec![text(value)], |all| all.iter().map(text).collect())
}

/// What a policy of S3 allows, each with the resources that it is for.
fn allowed(path: &str) -> BTreeSet<(String, String)> {
    let policy = document(path);
    assert_eq!(policy["Version"], "2012-10-17", "{path}");
    let mut allowed = BTreeSet::new();
    for statement in items(&policy["Statement"]) {
        assert_eq!(statement["Effect"], "Allow", "{path}");
        for action in one_or_more(&statement["Action"]) {
            for resource in one_or_more(&statement["Resource"]) {
                allowed.insert((action.to_owned(), resource.to_owned()));
            }
        }
    }
    allowed
}

#[test]
fn s3_policies_allow_what_is_needed_on_what_is_needed() {
    for (path, actions) in [
        ("deploy/iam/s3-audit.json", S3_READS.to_vec()),
        ("deploy/iam/s3-heal.json", S3_WRITES.to_vec()),
        ("deploy/iam/s3-orphans.json", [S3_WRITES, &["s3:DeleteObject"]].concat()),
    ] {
        let on = |action: &str| {
            let bucket = action == "s3:ListBucket";
            let resource =
                if bucket { "arn:aws:s3:::BUCKET" } else { "arn:aws:s3:::BUCKET/PREFIX/*" };
            (action.to_owned(), resource.to_owned())
        };
        assert_eq!(allowed(path), actions.into_iter().map(on).collect(), "{path}");
    }
    // With a condition, S3 would answer 403 for an object that is absent.
    assert!(!read("deploy/iam/s3-audit.json").contains("Condition"));
}

#[test]
fn nothing_is_allowed_by_a_pattern_and_only_taking_away_may_delete() {
    let mut seen = 0;
    for path in below("deploy/iam", &[".json", ".yaml"]) {
        let file = document(&path);
        let permissions: Vec<String> = if path.contains("/s3-") && !path.contains("lifecycle") {
            allowed(&path).into_iter().map(|(action, _)| action).collect()
        } else if path.contains("/gcs-") && !path.contains("lifecycle") {
            items(&file["includedPermissions"]).iter().map(|item| text(item).to_owned()).collect()
        } else if path.contains("/azure-") {
            assert!(items(&file["Actions"]).is_empty(), "{path}");
            items(&file["DataActions"]).iter().map(|item| text(item).to_owned()).collect()
        } else {
            assert!(path.contains("lifecycle"), "{path}: whose permissions are these?");
            continue;
        };
        seen += 1;
        assert!(!permissions.is_empty(), "{path}");
        for permission in permissions {
            assert!(!permission.contains('*'), "{path}: {permission}");
            let deletes = permission.to_lowercase().contains("delete");
            let may = path.contains("orphans") || path.contains("replace");
            assert!(!deletes || may, "{path}: {permission}");
        }
    }
    assert_eq!(seen, 9);
}

#[test]
fn the_readme_tells_of_every_file() {
    let readme = read("deploy/iam/README.md");
    for path in below("deploy/iam", &[".json", ".yaml"]) {
        let name = path.trim_start_matches("deploy/iam/");
        assert!(readme.contains(name), "{name}");
    }
}

#[test]
fn lifecycle_rules_throw_away_uploads_and_nothing_else() {
    let s3 = document("deploy/iam/s3-lifecycle.json");
    let [rule] = items(&s3["Rules"]) else { panic!("{s3}") };
    let keys: Vec<_> = rule.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["AbortIncompleteMultipartUpload", "Filter", "ID", "Status"]);
    let gcs = document("deploy/iam/gcs-lifecycle.json");
    let [rule] = items(&gcs["lifecycle"]["rule"]) else { panic!("{gcs}") };
    assert_eq!(rule["action"], serde_json::json!({"type": "AbortIncompleteMultipartUpload"}));
}

/// The server reads policies and rules as Amazon's does, and refuses those that it cannot.
#[test]
fn a_server_takes_the_policies_and_the_lifecycle_rule() {
    let Ok(endpoint) = env::var("RESTOCK_TEST_MOTO") else {
        assert!(
            env::var("CI").as_deref() != Ok("true"),
            "RESTOCK_TEST_MOTO is not set: use tests/run"
        );
        eprintln!("not tested: RESTOCK_TEST_MOTO is not set; `tests/run` starts the server");
        return;
    };
    let id = uuid::Uuid::now_v7().simple().to_string();
    let file = |name: &str| format!("file://{}", root().join("deploy/iam").join(name).display());
    for task in ["audit", "heal", "orphans"] {
        let name = format!("restock-{task}-{id}");
        let policy = file(&format!("s3-{task}.json"));
        aws(
            &endpoint,
            &["iam", "create-policy", "--policy-name", &name, "--policy-document", &policy],
        );
    }
    let bucket = format!("deploy-{id}");
    aws(&endpoint, &["s3api", "create-bucket", "--bucket", &bucket]);
    let rule = file("s3-lifecycle.json");
    let put = ["s3api", "put-bucket-lifecycle-configuration", "--bucket", &bucket];
    aws(&endpoint, &[put.as_slice(), &["--lifecycle-configuration", &rule]].concat());
}

fn aws(endpoint: &str, arguments: &[&str]) {
    let program = env::var("RESTOCK_TEST_AWS").unwrap_or_else(|_| "aws".to_owned());
    let mut command = Command::new(program);
    command.env_clear().env("PATH", env::var_os("PATH").unwrap()).env("LC_ALL", "C.UTF-8");
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command.env("AWS_DEFAULT_REGION", "us-east-1").env("AWS_CONFIG_FILE", "/dev/null");
    let ran = command.args(["--endpoint-url", endpoint]).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
