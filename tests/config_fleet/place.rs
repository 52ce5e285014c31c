//! A place beside a Fleet server.

use std::path::Path;

use restock::config::{Config, ConfigError, Environment};
use restock::store::OptionValue;
use tempfile::TempDir;

/// A Fleet server's environment, and a working directory without a configuration.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) environment: Environment,
}

/// A server that says no more than it must.
pub(crate) const SERVER: &[(&str, &str)] = &[
    ("FLEET_MYSQL_ADDRESS", "db.example.com:3306"),
    ("FLEET_MYSQL_USERNAME", "fleet"),
    ("FLEET_MYSQL_PASSWORD", "CANARY@/:?# é%41"),
    ("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "fleet-software"),
];

impl Place {
    /// Beside the server, with more variables.
    pub(crate) fn beside(server: &[(&str, &str)], more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = Environment::empty(folder.path());
        for (name, value) in server.iter().chain(more) {
            environment = environment.with(name, value);
        }
        Self { folder, environment }
    }

    pub(crate) fn load(&self, named: Option<&Path>) -> Result<Config, ConfigError> {
        Config::load_beside_fleet(named, &self.environment)
    }

    pub(crate) fn config(&self) -> Config {
        self.load(None).unwrap()
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        let error = self.load(None).unwrap_err();
        let ConfigError::Invalid { problems, .. } = error else { panic!("{error}") };
        problems.iter().map(ToString::to_string).collect()
    }
}

pub(crate) fn with(more: &[(&str, &str)]) -> Config {
    Place::beside(SERVER, more).config()
}

/// The one problem that these variables bring.
pub(crate) fn problem(more: &[(&str, &str)]) -> String {
    let problems = Place::beside(SERVER, more).problems();
    let [only] = problems.as_slice() else { panic!("{problems:#?}") };
    assert!(!only.contains("CANARY"), "{only}");
    only.clone()
}

pub(crate) fn option<'a>(config: &'a Config, key: &str) -> Option<&'a OptionValue> {
    config.options.store.options.get(key)
}

pub(crate) fn text(value: &str) -> OptionValue {
    OptionValue::Text(value.to_owned())
}
