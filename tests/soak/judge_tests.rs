//! Each complaint of [`complaints`], shown once where it belongs and absent where it does not.

use std::time::Duration;

use tokio::time::Instant;

use crate::judge::complaints;
use crate::log::Deed;
use crate::object::{COLLECTION, Object, digest_of};
use crate::proxy::Asked;

/// A story of requests, each a second after the last.
struct Story {
    object: Object,
    began: Instant,
    seconds: u64,
    asked: Vec<Asked>,
    deeds: Vec<Deed>,
}

impl Story {
    fn new() -> Self {
        let began = Instant::now();
        Self { object: Object::nth(1), began, seconds: 0, asked: Vec::new(), deeds: Vec::new() }
            .lists(COLLECTION)
    }

    fn lists(self, prefix: &str) -> Self {
        self.asks("GET", |list| {
            (list.key, list.query) = (String::new(), format!("prefix={prefix}"));
        })
    }

    fn next(&mut self) -> (Instant, Instant) {
        self.seconds += 1;
        let at = self.began + Duration::from_secs(self.seconds);
        (at, at + Duration::from_millis(500))
    }

    fn asks(mut self, method: &str, change: impl FnOnce(&mut Asked)) -> Self {
        let (began, ended) = self.next();
        let mut asked = Asked {
            method: method.to_owned(),
            key: self.object.key.clone(),
            query: String::new(),
            wrote: None,
            copied: false,
            got: None,
            status: 200,
            etag: None,
            began,
            ended,
        };
        change(&mut asked);
        self.asked.push(asked);
        self
    }

    fn somebody_writes(mut self, bytes: Option<&[u8]>) -> Self {
        let (began, ended) = self.next();
        let (key, wrote) = (self.object.key.clone(), bytes.map(digest_of));
        self.deeds.push(Deed { key, wrote, began, ended: Some(ended) });
        self
    }

    fn reads(self, bytes: &[u8], etag: &str) -> Self {
        self.asks("GET", |read| {
            (read.got, read.etag) = (Some(digest_of(bytes)), Some(etag.to_owned()));
        })
    }

    fn probes(self, status: u16, etag: &str) -> Self {
        self.asks("HEAD", |probe| (probe.status, probe.etag) = (status, Some(etag.to_owned())))
    }

    fn heals(self) -> Self {
        let digest = self.object.digest;
        self.asks("PUT", |put| put.wrote = Some(digest))
    }

    #[track_caller]
    fn is_fine(&self) {
        assert_eq!(complaints(&self.asked, &self.deeds), Vec::<String>::new());
    }

    #[track_caller]
    fn is_told(&self, what: &str) {
        let complaints = complaints(&self.asked, &self.deeds);
        assert!(complaints.iter().any(|complaint| complaint.contains(what)), "{complaints:?}");
    }
}

#[test]
fn what_was_probed_as_absent_may_be_written() {
    Story::new().somebody_writes(None).probes(404, "").heals().is_fine();
    let story = Story::new().somebody_writes(None).probes(404, "");
    let right = story.object.bytes.clone();
    // It came between probe and write: nobody can help that.
    story.somebody_writes(Some(&right)).heals().is_fine();
}

#[test]
fn what_the_pass_read_as_wrong_may_be_written() {
    let story = || Story::new().somebody_writes(Some(b"rotten")).reads(b"rotten", "1");
    story().probes(200, "1").heals().is_fine();
    story().probes(200, "2").heals().is_told("had not read as wrong");
    story().lists("").probes(200, "1").heals().is_fine();
    story().lists(COLLECTION).probes(200, "1").heals().is_told("had not read as wrong");
}

#[test]
fn a_write_without_a_young_probe_is_told() {
    Story::new().somebody_writes(None).heals().is_told("no probe before it");
    let mut old = Story::new().somebody_writes(None).probes(404, "");
    old.seconds += 5;
    old.heals().is_told("too old");
}

#[test]
fn a_write_to_a_healthy_key_is_told_whatever_the_probe_said() {
    let right = Object::nth(1).bytes;
    let story = Story::new().somebody_writes(Some(&right));
    story.probes(404, "").heals().is_told("was healthy");
    let story = Story::new().somebody_writes(None).probes(404, "").heals();
    story.probes(404, "").heals().is_told("was healthy");
}

#[test]
fn other_bytes_and_other_requests_are_told() {
    let wrong = |put: &mut Asked| put.wrote = Some(digest_of(b"rotten"));
    let absent = || Story::new().somebody_writes(None).probes(404, "");
    absent().asks("PUT", wrong).is_told("other bytes");
    absent().asks("DELETE", |_| ()).is_told("it may not");
    absent().asks("DELETE", |abort| abort.query = "uploadId=1".to_owned()).is_fine();
    absent().asks("PUT", |put| put.key = format!("{COLLECTION}/x")).is_told("it may not");
    let aside = |put: &mut Asked| {
        (put.key, put.copied) = (format!("restock-quarantine/1/{}", put.key), true);
    };
    absent().asks("PUT", aside).is_fine();
    absent().asks("PUT", |put| put.copied = true).is_told("it may not");
}
