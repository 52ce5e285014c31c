//! A configuration as text: what holds, where it comes from, and never a secret.

use std::collections::BTreeMap;

use object_store::aws::AmazonS3ConfigKey;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::draft::join;
use super::options::Options;
use crate::model::redact_place;
use crate::store::OptionValue;

/// What stands for a secret.
pub const REDACTED: &str = "<redacted>";

/// Parts of names that hold secrets; better one too many than one too few.
const SECRET_WORDS: [&str; 8] =
    ["secret", "token", "password", "passphrase", "credential", "key", "sas", "signature"];

/// Names that hold such a part, and no secret.
const HARMLESS_ENDS: [&str; 6] =
    ["_key_id", "_key_enabled", "_file", "_path", "skip_signature", "_uri"];

impl Config {
    /// The options that hold, defaults included, as TOML. URLs lack user info and query, and
    /// secrets are [`REDACTED`].
    pub fn show(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(&self.redacted())
    }

    /// The same, with the origin of each value as a comment behind it.
    pub fn show_with_origins(&self) -> Result<String, toml::ser::Error> {
        let text = self.show()?;
        let mut origins = BTreeMap::new();
        if let Ok(table) = DeTable::parse(&text) {
            self.origins_of(&text, table.get_ref(), "", &mut origins);
        }
        let lines = text.lines().enumerate().map(|(i, line)| match origins.get(&i) {
            Some(origin) => format!("{line}  # {origin}\n"),
            None => format!("{line}\n"),
        });
        Ok(lines.collect())
    }

    /// The origin of each value by the line, from 0, that it ends on.
    fn origins_of(
        &self,
        text: &str,
        table: &DeTable<'_>,
        name: &str,
        origins: &mut BTreeMap<usize, String>,
    ) {
        for (key, value) in table {
            let name = join(name, key.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                self.origins_of(text, inner, &name, origins);
                continue;
            }
            let items = value.get_ref().as_array().into_iter().flatten();
            let tables: Vec<_> = items.filter_map(|item| item.get_ref().as_table()).collect();
            for (i, inner) in tables.iter().enumerate() {
                self.origins_of(text, inner, &format!("{name}[{i}]"), origins);
            }
            if tables.is_empty() {
                let before = text.get(..value.span().end).unwrap_or("");
                origins.insert(before.matches('\n').count(), self.origin(&name).to_string());
            }
        }
    }

    fn redacted(&self) -> Options {
        let mut options = self.options.clone();
        if self.url_file.is_some() {
            options.catalog.url = None;
            options.catalog.url_file.clone_from(&self.url_file);
        }
        if options.store.url.contains("://") {
            options.store.url = redact_place(&options.store.url);
        }
        let databases = [&mut options.catalog.url, &mut options.ledger.url].into_iter().flatten();
        for url in databases.chain(&mut options.source.maintained_apps) {
            *url = redact_place(url);
        }
        for (key, value) in &mut options.store.options {
            let handed_over = self.origin(&join("store.options", key)).is_secret();
            match value {
                _ if handed_over || is_secret(key) => {
                    *value = OptionValue::Text(REDACTED.to_owned());
                }
                OptionValue::Text(text) if text.contains("://") => *text = redact_place(text),
                OptionValue::Text(_) | OptionValue::Flag(_) | OptionValue::Number(_) => {}
            }
        }
        options
    }
}

/// Whether an option of the store holds a secret, by its name.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let harmless = HARMLESS_ENDS.iter().any(|end| key.ends_with(end));
    let named = SECRET_WORDS.iter().any(|word| key.contains(word));
    // Names that object_store spells otherwise still mean what they mean there.
    let meant =
        matches!(key.parse(), Ok(AmazonS3ConfigKey::SecretAccessKey | AmazonS3ConfigKey::Token));
    meant || (named && !harmless)
}
