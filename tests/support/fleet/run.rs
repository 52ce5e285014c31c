//! restock beside the Fleet of a test: told by Fleet's own variables where all is.

use std::collections::BTreeSet;
use std::env;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use url::Url;

use crate::databases::User;

use super::FleetWorld;

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl FleetWorld {
    /// Runs `deploy/mysql/grants.sql` for the reader, with the client that administrators use.
    pub(crate) fn grant(&self) {
        let ran = self.grants_with(&format!("SET @restock_user = '{}';\n", self.reader.name));
        assert_eq!(ran.code, Some(0), "{ran:#?}");
    }

    /// The same after statements of the test.
    pub(crate) fn grants_with(&self, first: &str) -> Ran {
        let url: Url = self.database.url().parse().unwrap();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/mysql/grants.sql");
        let sql = std::fs::read_to_string(file).unwrap();
        let password = "SET @restock_password = 'kept, as the user is there already';\n";
        let input = self.folder.path().join("grants.sql");
        std::fs::write(&input, format!("{password}{first}{sql}")).unwrap();
        let mut client = Command::new("mariadb");
        client.env_clear().env("PATH", env::var_os("PATH").unwrap());
        client.env("MYSQL_PWD", url.password().unwrap());
        client.args(["--no-defaults", "--protocol=tcp", "--skip-ssl"]);
        client.args(["--host", url.host_str().unwrap(), "--user", url.username()]);
        client.args(["--port", &url.port().unwrap().to_string(), self.database.name()]);
        client.stdin(std::fs::File::open(input).unwrap());
        Ran::of(client.output().unwrap())
    }

    /// Runs restock to its end.
    pub(crate) fn restock(&self, args: &[&str]) -> Ran {
        self.restock_as(&self.reader, args)
    }

    /// The same as somebody else.
    pub(crate) fn restock_as(&self, user: &User, args: &[&str]) -> Ran {
        Ran::of(self.command(user, args).output().unwrap())
    }

    /// Runs an audit or a heal, which has to end with this code, and gives its report.
    pub(crate) fn pass(&self, code: i32, args: &[&str]) -> Value {
        self.restock(&[args, &["--output", "json"]].concat()).report(code)
    }

    /// restock in the environment of a Fleet server.
    pub(crate) fn command(&self, user: &User, args: &[&str]) -> Command {
        let url: Url = self.database.url().parse().unwrap();
        let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let mut command = self.plain_command(&["--from-fleet-env"]);
        for (name, value) in [
            ("MYSQL_ADDRESS", address.as_str()),
            ("MYSQL_DATABASE", self.database.name()),
            ("MYSQL_USERNAME", &user.name),
            ("MYSQL_PASSWORD", &user.password),
            ("MYSQL_MAX_OPEN_CONNS", "50"),
            ("S3_SOFTWARE_INSTALLERS_BUCKET", &self.bucket.name),
            // As Fleet's own documentation writes prefixes.
            ("S3_SOFTWARE_INSTALLERS_PREFIX", &format!("{}/", self.bucket.prefix)),
            ("S3_SOFTWARE_INSTALLERS_REGION", "us-east-1"),
            ("S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", &self.bucket.endpoint),
            ("S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID", &self.bucket.access_key),
            ("S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY", &self.bucket.secret_key),
            ("S3_SOFTWARE_INSTALLERS_FORCE_S3_PATH_STYLE", "true"),
        ] {
            command.env(format!("FLEET_{name}"), value);
        }
        command.env("RESTOCK_SOURCE__ALLOW_HTTP", "true");
        command.env("RESTOCK_SOURCE__ALLOW_PRIVATE", "127.0.0.0/8");
        command.env("RESTOCK_SOURCE__MAINTAINED_APPS", self.web.url("/manifests"));
        command.args(args);
        command
    }

    /// restock with no variable at all.
    pub(crate) fn plain_command(&self, args: &[&str]) -> Command {
        let program = env::var("RESTOCK_TEST_BIN");
        let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_restock").to_owned());
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).current_dir(self.folder.path()).args(args);
        command
    }
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }

    /// The JSON report of a pass that ended with this code.
    #[track_caller]
    pub(crate) fn report(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{self:#?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Everything that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// What a report finds, each as one line: kind, key or reference, and what more `words` ask for.
pub(crate) fn told(report: &Value, words: &[&str]) -> BTreeSet<String> {
    let line = |finding: &Value| {
        let text = |key: &str| {
            let value = &finding[key];
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        };
        let place = if finding["key"].is_null() { text("refs") } else { text("key") };
        let more = words.iter().map(|word| text(word));
        [text("kind"), place].into_iter().chain(more).collect::<Vec<_>>().join(" ")
    };
    report["findings"].as_array().unwrap().iter().map(line).collect()
}
