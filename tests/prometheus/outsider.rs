//! What an outsider does to a bucket, with awscli.

use std::process::{Command, Output};

use crate::s3::Bucket;

impl Bucket {
    /// Deletes one object.
    pub(crate) fn aws_remove(&self, key: &str) {
        let url = format!("s3://{}/{}/{key}", self.name, self.prefix);
        self.aws(&["s3", "rm", "--quiet", &url]);
    }

    /// Deletes objects, all in one moment.
    pub(crate) fn aws_remove_all(&self, keys: &[String]) {
        let objects: Vec<_> = keys
            .iter()
            .map(|key| serde_json::json!({"Key": format!("{}/{key}", self.prefix)}))
            .collect();
        let delete = serde_json::json!({"Objects": objects}).to_string();
        self.aws(&["s3api", "delete-objects", "--bucket", &self.name, "--delete", &delete]);
    }

    fn aws(&self, args: &[&str]) {
        let program = std::env::var("RESTOCK_TEST_AWS").unwrap_or_else(|_| "aws".to_owned());
        let mut command = Command::new(program);
        command.args(["--endpoint-url", &self.endpoint, "--region", "us-east-1"]).args(args);
        command.env("AWS_ACCESS_KEY_ID", &self.access_key);
        command.env("AWS_SECRET_ACCESS_KEY", &self.secret_key);
        let Output { status, stderr, .. } = command.output().unwrap();
        assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    }
}
