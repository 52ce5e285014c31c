//! One object: its sources in turn, until one of them offers it.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::SurveyOptions;
use super::hosts::Hosts;
use super::outcome::{Availability, Surveyed};
use super::parts::Wanted;
use crate::model::{Collection, Digest, error_chain, redact_url};
use crate::source::{FetchError, Offer, Source, next_delay};

/// Asks the sources of objects.
pub(super) struct Asker<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) hosts: &'a Hosts,
    pub(super) options: &'a SurveyOptions,
}

/// What one source came to.
struct Answer {
    result: Availability,
    size: Option<u64>,
    detail: String,
}

/// What one request came to.
enum Try {
    Done(Answer),
    /// It may be another answer the next time.
    Again(Answer, Option<std::time::Duration>),
}

impl Asker<'_> {
    pub(super) async fn ask(&self, collection: &Collection, wanted: &Wanted) -> Surveyed {
        let sources = wanted.sources();
        let mut best: Option<(Answer, &str)> = None;
        for source in &sources {
            let answer = self.ask_source(source, wanted).await;
            let done = answer.result == Availability::Available;
            if best.as_ref().is_none_or(|(so_far, _)| answer.result < so_far.result) {
                best = Some((answer, source));
            }
            if done {
                break;
            }
        }
        let of_sources = u64::try_from(sources.len()).unwrap_or(u64::MAX);
        let none =
            || (answer(Availability::NoSource, None, "no row names a source".to_owned()), None);
        let (best, source) =
            best.map_or_else(none, |(answer, source)| (answer, Some(redact_url(source))));
        Surveyed {
            collection: collection.name.clone(),
            digest: wanted.digest,
            result: best.result,
            source,
            sources: of_sources,
            expected_size: Some(&wanted.sizes)
                .filter(|sizes| sizes.len() == 1)
                .and_then(BTreeSet::first)
                .copied(),
            offered_size: best.size,
            names: Vec::new(),
            refs: Vec::new(),
            detail: best.detail,
        }
    }

    async fn ask_source(&self, source: &str, wanted: &Wanted) -> Answer {
        if let Err(refusal) = self.source.permits(source) {
            return answer(Availability::PolicyBlocked, None, format!("policy: {refusal}"));
        }
        let host = self.hosts.of(source);
        let mut attempt = 1;
        loop {
            let Ok(tried) = host.ask(self.try_once(source, wanted)).await else {
                let detail = "not asked: several objects before got no answer there".to_owned();
                return answer(Availability::Unknown, None, detail);
            };
            let (answer, wish) = match tried {
                Try::Again(_, wish) if attempt < self.options.tries => {
                    let wait = next_delay(attempt, wish, rand::random());
                    tokio::time::sleep(wait).await;
                    attempt += 1;
                    continue;
                }
                Try::Again(answer, wish) => (answer, wish),
                Try::Done(answer) => (answer, None),
            };
            // Who names a time to come back is there.
            host.note(answer.result != Availability::Unknown || wish.is_some());
            return answer;
        }
    }

    async fn try_once(&self, source: &str, wanted: &Wanted) -> Try {
        match self.source.offer(source, &wanted.digest).await {
            Ok(offer) => judge(source, &offer, wanted, self.options.max_object_size),
            Err(error) => {
                let detail = error_chain(&error);
                let result = match error {
                    FetchError::Transient { retry_after, .. } => {
                        let unknown = answer(Availability::Unknown, None, detail);
                        return Try::Again(unknown, retry_after);
                    }
                    FetchError::Silent { .. } => {
                        let unknown = answer(Availability::Unknown, None, detail);
                        return Try::Again(unknown, None);
                    }
                    FetchError::Gone { .. } | FetchError::Lacking(_) => Availability::Gone,
                    FetchError::Policy(_) => Availability::PolicyBlocked,
                    FetchError::TooLarge { .. } => Availability::TooLarge,
                    FetchError::Encoding(_) | FetchError::Permanent(_) => Availability::Unavailable,
                };
                Try::Done(answer(result, None, detail))
            }
        }
    }
}

/// What an offer is worth, as far as it can be told without the bytes.
fn judge(source: &str, offer: &Offer, wanted: &Wanted, max_object_size: u64) -> Try {
    let drifted = |detail| answer(Availability::Drifted, offer.length, detail);
    let fits = offer.length.is_some_and(|length| wanted.sizes.contains(&length));
    if offer.page && !fits && !is_page(source) {
        let page = drifted("it offers a web page in place of the file".to_owned());
        return Try::Again(page, None);
    }
    let Some(length) = offer.length else {
        return Try::Done(answer(Availability::Available, None, String::new()));
    };
    if length > max_object_size {
        let detail = format!("{length} bytes are more than heal.max_object_size");
        return Try::Done(answer(Availability::TooLarge, offer.length, detail));
    }
    if !fits && !wanted.sizes.is_empty() {
        let sizes: Vec<_> = wanted.sizes.iter().map(ToString::to_string).collect();
        let sizes = sizes.join(" or ");
        return Try::Done(drifted(format!(
            "it offers {length} bytes, and the catalog gives {sizes}"
        )));
    }
    if length == 0 && wanted.digest != Digest::new(Sha256::digest([]).into()) {
        return Try::Done(drifted("it offers an empty file".to_owned()));
    }
    Try::Done(answer(Availability::Available, offer.length, String::new()))
}

/// Whether a URL by its name leads to a web page.
fn is_page(source: &str) -> bool {
    let path = redact_url(source).to_ascii_lowercase();
    [".html", ".htm", ".xhtml"].iter().any(|extension| path.ends_with(extension))
}

const fn answer(result: Availability, size: Option<u64>, detail: String) -> Answer {
    Answer { result, size, detail }
}
