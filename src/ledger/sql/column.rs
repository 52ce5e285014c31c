//! Values as columns hold them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Stored;

/// RFC 3339 with nine decimals: sorts as text and loses nothing.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

pub(super) fn read_time(text: &str) -> Stored<DateTime<Utc>> {
    Ok(DateTime::parse_from_rfc3339(text)?.to_utc())
}

/// A count or a size in bytes.
pub(super) fn count(value: u64) -> Stored<i64> {
    Ok(i64::try_from(value)?)
}

pub(super) fn read_count(value: i64) -> Stored<u64> {
    Ok(u64::try_from(value)?)
}

pub(super) fn json<T: Serialize>(value: &T) -> Stored<String> {
    Ok(serde_json::to_string(value)?)
}

pub(super) fn read_json<T: DeserializeOwned>(text: &str) -> Stored<T> {
    Ok(serde_json::from_str(text)?)
}

/// The word by which reports know a value without fields.
pub(super) fn word<T: Serialize>(value: &T) -> Stored<String> {
    let value = serde_json::to_value(value)?;
    let word = value.as_str().ok_or_else(|| format!("{value} is no word"))?;
    Ok(word.to_owned())
}

/// The value that a word stands for.
pub(super) fn read_word<T: DeserializeOwned>(word: String) -> Stored<T> {
    Ok(serde_json::from_value(word.into())?)
}
