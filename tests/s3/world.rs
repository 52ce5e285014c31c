//! A world on S3: a `SQLite` catalog, an HTTP source, a bucket, and two programs that know nothing
//! of each other.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::s3::{Bucket, Server};
use crate::support::world::{COLLECTION, Object, World as Local};

/// The world. Nothing is in its catalog or under its prefix at first.
pub(crate) struct World {
    /// Catalog, source and folder; its directory store stays unused.
    pub(crate) local: Local,
    pub(crate) bucket: Bucket,
    /// What restock is told in place of the server's own endpoint.
    pub(crate) endpoint: String,
    /// More lines for `[store.options]`.
    pub(crate) options: String,
    /// Variables of restock's environment, which holds nothing else.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// An empty world; `None`, said aloud, where the server does not run.
    pub(crate) async fn on(server: Server) -> Option<Self> {
        let bucket = server.bucket()?;
        let environment = vec![
            ("AWS_ACCESS_KEY_ID", bucket.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", bucket.secret_key.clone()),
        ];
        let local = Local::empty().await;
        let (endpoint, options) = (bucket.endpoint.clone(), String::new());
        Some(Self { local, bucket, endpoint, options, environment })
    }

    /// A world of `n` objects, each with a row and a source, all uploaded in one go.
    pub(crate) async fn uploaded(server: Server, n: u32) -> Option<(Self, Vec<Object>)> {
        let world = Self::on(server).await?;
        let objects: Vec<_> = (0..n).map(Object::nth).collect();
        for object in &objects {
            world.want(object).await;
            world.write("upload", &object.digest.to_string(), &object.bytes);
        }
        world.upload("upload", COLLECTION);
        Some((world, objects))
    }

    /// Adds an object's row and source. Its bytes are nowhere yet.
    pub(crate) async fn want(&self, object: &Object) {
        self.local.serve(object);
        self.local.row(&self.local.row_of(object)).await;
    }

    pub(crate) fn folder(&self) -> &Path {
        self.local.dir.path()
    }

    /// Writes a file into a folder of the test's own.
    pub(crate) fn write(&self, folder: &str, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder().join(folder).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The `s3://` URL of a key below the store's prefix.
    pub(crate) fn s3_url(&self, key: &str) -> String {
        format!("s3://{}/{}/{key}", self.bucket.name, self.bucket.prefix)
    }

    /// Uploads a folder under `to`.
    pub(crate) fn upload(&self, folder: &str, to: &str) {
        let (from, to) = (self.folder().join(folder), self.s3_url(to));
        self.aws(&["s3", "cp", "--quiet", "--recursive", from.to_str().unwrap(), &to]);
    }

    /// Deletes some objects of the collection.
    pub(crate) fn delete(&self, objects: &[&Object]) {
        let (url, digests) = (self.s3_url(COLLECTION), objects.iter().map(|o| o.digest));
        let digests: Vec<_> = digests.map(|digest| digest.to_string()).collect();
        let mut args = vec!["s3", "rm", "--quiet", "--recursive", &url, "--exclude", "*"];
        args.extend(digests.iter().flat_map(|digest| ["--include", digest]));
        self.aws(&args);
    }

    /// Reads everything below `from` back into a folder; gives each file by its path in there.
    pub(crate) fn read_back(&self, from: &str) -> Vec<(String, Vec<u8>)> {
        let folder = tempfile::tempdir_in(self.folder()).unwrap();
        self.aws(&["s3", "sync", "--quiet", &self.s3_url(from), folder.path().to_str().unwrap()]);
        let mut files = Vec::new();
        let mut pending = vec![folder.path().to_owned()];
        while let Some(inner) = pending.pop() {
            for entry in std::fs::read_dir(inner).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                    continue;
                }
                let name = path.strip_prefix(folder.path()).unwrap();
                files.push((name.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()));
            }
        }
        files.sort();
        files
    }

    /// Runs the AWS command line, which has to succeed, and gives what it prints.
    pub(crate) fn aws(&self, args: &[&str]) -> String {
        let program = env::var("RESTOCK_TEST_AWS").unwrap_or_else(|_| "aws".to_owned());
        let mut command = Command::new(&program);
        command.env_clear().env("HOME", self.folder()).env("AWS_DEFAULT_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", &self.bucket.access_key);
        command.env("AWS_SECRET_ACCESS_KEY", &self.bucket.secret_key);
        // Python names files in this encoding.
        command.env("LC_ALL", "C.UTF-8").env("PATH", env::var_os("PATH").unwrap());
        command.args(["--endpoint-url", &self.bucket.endpoint]).args(args);
        let ran = Ran::of(command.output().unwrap());
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:#?}");
        ran.stdout
    }

    /// Runs restock to its end.
    pub(crate) fn restock(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// The same with a ledger of its own, and so with a lock of its own.
    pub(crate) fn restock_with_ledger(&self, ledger: &str, args: &[&str]) -> Ran {
        let url = format!("sqlite://{}", self.folder().join(ledger).display());
        Ran::of(self.command(args).env("RESTOCK_LEDGER__URL", url).output().unwrap())
    }

    /// Starts restock.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs an audit or a heal, which has to end with this code, and gives its report.
    pub(crate) fn pass(&self, code: i32, args: &[&str]) -> Value {
        let ran = self.restock(&[args, &["--output", "json"]].concat());
        ran.report(code)
    }

    fn command(&self, args: &[&str]) -> Command {
        // A name of its own, as several commands may be under way.
        let file = tempfile::Builder::new().suffix(".toml").tempfile_in(self.folder()).unwrap();
        let file = file.into_temp_path().keep().unwrap();
        std::fs::write(&file, self.configuration()).unwrap();
        let mut command = Command::new(program());
        command.env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).arg("--config").arg(file).args(args);
        command
    }

    fn configuration(&self) -> String {
        let Self { bucket: Bucket { name, prefix, .. }, endpoint, options, .. } = self;
        format!(
            r#"
[catalog]
url = "sqlite://catalog.db"
preset = "custom"

[[collection]]
name = "{COLLECTION}"
query = "SELECT sha256 AS digest, url AS source_url, filename AS name, size_bytes AS size FROM packages"
key = "{COLLECTION}/{{digest}}"

[store]
url = "s3://{name}/{prefix}"

[store.options]
aws_endpoint = "{endpoint}"
aws_allow_http = true
aws_region = "us-east-1"
{options}

[ledger]
url = "sqlite://ledger.db"

[source]
allow_http = true
allow_private = ["127.0.0.0/8"]
"#
        )
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The JSON report of a pass that ended with this code.
    pub(crate) fn report(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{self:#?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Everything that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The binary under test: the release build under `tests/run`.
pub(crate) fn program() -> String {
    let built = || env!("CARGO_BIN_EXE_restock").to_owned();
    env::var("RESTOCK_TEST_BIN").unwrap_or_else(|_| built())
}

/// The keys of a report's findings of a kind, sorted.
pub(crate) fn keys(report: &Value, kind: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let of_kind = findings.filter(|finding| finding["kind"] == kind);
    let mut keys: Vec<_> = of_kind.map(|f| f["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

/// The keys of objects, sorted.
pub(crate) fn keys_of(objects: &[&Object]) -> Vec<String> {
    let mut keys: Vec<_> = objects.iter().map(|object| object.key.clone()).collect();
    keys.sort();
    keys
}
