//! One object: its sources in turn, until one of them offers it.

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::SurveyOptions;
use super::hosts::{Host, Hosts};
use super::outcome::{Availability, Surveyed};
use super::parts::Wanted;
use crate::model::{Collection, Digest, error_chain, redact_url};
use crate::source::{Asked, FetchError, Offer, Route, Source, next_delay};

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
    /// Whoever this leads to is asked.
    Led(Route),
    /// It may be another answer the next time, and is best asked for after this while.
    Again {
        answer: Answer,
        wish: Option<Duration>,
        is_silence: bool,
    },
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
        let mut attempt = 1;
        let mut route = Route::of(source);
        loop {
            let host = self.hosts.of(&self.source.host(&route).unwrap_or_default());
            let Ok(tried) = host.ask(self.try_once(&host, route, wanted)).await else {
                let detail = "not asked: several objects before got no answer there".to_owned();
                return answer(Availability::Unknown, None, detail);
            };
            match tried {
                Try::Led(next) => route = next,
                Try::Again { wish, .. } if attempt < self.options.tries => {
                    tokio::time::sleep(next_delay(attempt, wish, rand::random())).await;
                    attempt += 1;
                    route = Route::of(source);
                }
                Try::Again { answer, wish, is_silence } => {
                    // Who names a time to come back is there. A silence was noted as it came.
                    if !is_silence {
                        host.note(answer.result != Availability::Unknown || wish.is_some());
                    }
                    return answer;
                }
                Try::Done(answer) => {
                    host.note(answer.result != Availability::Unknown);
                    return answer;
                }
            }
        }
    }

    /// Makes the request that is next on a route. As in a heal, silence counts each time that it is
    /// met, and against the host that was silent.
    async fn try_once(&self, host: &Host, route: Route, wanted: &Wanted) -> Try {
        let source = route.source().to_owned();
        let error = match self.source.offer_at(route, &wanted.digest).await {
            Ok(Asked::Here(offer)) => {
                return judge(&source, &offer, wanted, self.options.max_object_size);
            }
            Ok(Asked::There(next)) => {
                host.note(true);
                return Try::Led(next);
            }
            Err(error) => error,
        };
        let detail = error_chain(&error);
        let result = match error {
            FetchError::Transient { retry_after, .. } => {
                let answer = answer(Availability::Unknown, None, detail);
                return Try::Again { answer, wish: retry_after, is_silence: false };
            }
            FetchError::Silent { .. } => {
                host.note(false);
                let answer = answer(Availability::Unknown, None, detail);
                return Try::Again { answer, wish: None, is_silence: true };
            }
            FetchError::Gone { .. } | FetchError::Lacking(_) => Availability::Gone,
            FetchError::Policy(_) => Availability::PolicyBlocked,
            FetchError::TooLarge { .. } => Availability::TooLarge,
            FetchError::Encoding(_) | FetchError::Permanent(_) => Availability::Unavailable,
        };
        Try::Done(answer(result, None, detail))
    }
}

/// What an offer is worth, as far as it can be told without the bytes.
fn judge(source: &str, offer: &Offer, wanted: &Wanted, max_object_size: u64) -> Try {
    let drifted = |detail| answer(Availability::Drifted, offer.length, detail);
    let fits = offer.length.is_some_and(|length| wanted.sizes.contains(&length));
    if offer.page && !fits && !is_page(source) {
        let page = drifted("it offers a web page in place of the file".to_owned());
        return Try::Again { answer: page, wish: None, is_silence: false };
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
