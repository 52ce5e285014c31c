//! [`Aside`]: something in the quarantine, and since when it lies there.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::orphans_plan::ORPHANS;

/// What something in the quarantine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsideKind {
    /// The corrupt bytes of an object that was healed.
    Corrupt,
    /// An orphan that was moved.
    Orphan,
    /// Nothing that restock put there: it is never removed.
    Foreign,
}

/// Something in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Aside {
    /// Its key.
    pub key: String,
    /// What it is.
    pub kind: AsideKind,
    /// The pass or the plan that put it there; null for what restock did not.
    pub id: Option<String>,
    /// The key that it had; null for what restock did not put there.
    pub original: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Since when it lies there, by the youngest of all witnesses; null for what restock did not
    /// put there.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub since: Option<DateTime<Utc>>,
}

impl Aside {
    /// What a key in the quarantine is: `<folder>/<pass>/<key>` or `<folder>/orphans/<plan>/<key>`.
    pub fn parse(folder: &str, key: &str, size: u64) -> Self {
        let parts = || {
            let rest = key.strip_prefix(folder)?.strip_prefix('/')?;
            let orphan = rest.strip_prefix(ORPHANS).and_then(|rest| rest.strip_prefix('/'));
            let kind = if orphan.is_some() { AsideKind::Orphan } else { AsideKind::Corrupt };
            let (id, original) = orphan.unwrap_or(rest).split_once('/')?;
            let made = made_at(id)?;
            (!original.is_empty()).then(|| (kind, id.to_owned(), original.to_owned(), made))
        };
        let key = key.to_owned();
        match parts() {
            Some((kind, id, original, made)) => {
                let (id, original) = (Some(id), Some(original));
                Self { key, kind, id, original, size, since: Some(made) }
            }
            None => {
                Self { key, kind: AsideKind::Foreign, id: None, original: None, size, since: None }
            }
        }
    }

    /// Another witness of when it was put there. The youngest counts: a file that was moved keeps
    /// the time of its last change, and a plan may be carried out long after it was made.
    pub fn witnessed(&mut self, at: Option<DateTime<Utc>>) {
        if let Some(since) = &mut self.since {
            *since = at.map_or(*since, |at| at.max(*since));
        }
    }

    /// Whether restock put it there, longer ago than this.
    pub fn is_older(&self, than: TimeDelta, now: DateTime<Utc>) -> bool {
        self.kind != AsideKind::Foreign && self.since.is_some_and(|since| now - since > than)
    }
}

/// When an id of ours was made; `None` for what is none.
fn made_at(id: &str) -> Option<DateTime<Utc>> {
    let id = Uuid::parse_str(id).ok().filter(|parsed| parsed.to_string() == id)?;
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
        .filter(|_| id.get_version_num() == 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193f6c0-0000-7000-8000-000000000000";

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_restock_put_there_is_told_from_what_it_did_not() {
        let parse = |key: &str| {
            let aside = Aside::parse("a/q", key, 5);
            (aside.kind, aside.original)
        };
        let known = |kind, original: &str| (kind, Some(original.to_owned()));
        assert_eq!(parse(&format!("a/q/{ID}/c/é 1")), known(AsideKind::Corrupt, "c/é 1"));
        assert_eq!(parse(&format!("a/q/orphans/{ID}/c/x")), known(AsideKind::Orphan, "c/x"));
        let upper = ID.to_uppercase();
        let random = "936da01f-9abd-4d9d-80c7-02af85c822a8";
        for foreign in [
            format!("a/q/{ID}"),
            format!("a/q/{ID}/"),
            format!("a/q/{upper}/c/x"),
            format!("a/q/{random}/c/x"),
            "a/q/orphans/x".to_owned(),
            "a/q/orphans/c/x".to_owned(),
            "a/q/notes.txt".to_owned(),
            format!("a/qq/{ID}/c/x"),
            format!("{ID}/c/x"),
        ] {
            assert_eq!(parse(&foreign), (AsideKind::Foreign, None), "{foreign}");
        }
    }

    #[test]
    fn the_youngest_witness_counts_and_foreign_things_have_no_age() {
        let made = at("2024-12-24T00:00:00Z");
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            u64::try_from(made.timestamp()).unwrap(),
            0,
        ));
        let mut aside = Aside::parse("q", &format!("q/{id}/c/x"), 5);
        assert_eq!(aside.since, Some(made));
        aside.witnessed(Some(at("2020-01-01T00:00:00Z")));
        aside.witnessed(None);
        assert_eq!(aside.since, Some(made), "a file keeps the time of its last change");
        aside.witnessed(Some(at("2025-01-01T00:00:00Z")));
        let day = TimeDelta::days(1);
        assert!(!aside.is_older(day, at("2025-01-02T00:00:00Z")));
        assert!(aside.is_older(day, at("2025-01-02T00:00:01Z")));
        let mut foreign = Aside::parse("q", "q/notes.txt", 5);
        foreign.witnessed(Some(made));
        assert!(!foreign.is_older(day, at("2999-01-01T00:00:00Z")));
    }
}
