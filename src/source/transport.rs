//! Errors of the HTTP client as [`FetchError`]s: told by what they are, without the whole URL
//! that the client likes to name.

use std::error::Error;
use std::io;

use super::FetchError;
use super::resolver::Denied;
use crate::model::{cut_owned, redact_urls_in};

/// Beginnings of messages of the client's layers that only say that something below them failed.
const WRAPPERS: [&str; 4] = [
    "error sending request",
    "client error (",
    "error decoding response body",
    "request or response body error",
];

/// Why no answer came from `shown`, a redacted URL of this host.
pub(super) fn no_answer(error: reqwest::Error, shown: &str, host: &str) -> FetchError {
    let error = error.without_url();
    if let Some(Denied(refusal)) = chain(&error).find_map(|cause| cause.downcast_ref::<Denied>()) {
        return FetchError::Policy(refusal.clone());
    }
    if error.is_connect() && error.is_timeout() {
        let message = format!("{shown}: no connection in time (source.connect_timeout)");
        return FetchError::Silent { host: host.to_owned(), message };
    }
    let message = format!("{shown}: {}", cause_of(error_ref(&error)));
    if error.is_builder() || chain(&error).any(is_lasting) {
        return FetchError::Permanent(message);
    }
    FetchError::Transient { message, retry_after: None }
}

/// The causes of an error of the client in one line, without secrets and not too long.
pub(super) fn cause_of(error: &(dyn Error + 'static)) -> String {
    let mut told: Vec<String> = Vec::new();
    for message in chain(error).map(ToString::to_string) {
        let says_nothing = WRAPPERS.iter().any(|wrapper| message.starts_with(wrapper));
        if !says_nothing && told.last() != Some(&message) {
            told.push(message);
        }
    }
    if told.is_empty() {
        return cut_owned(redact_urls_in(&error.to_string()));
    }
    cut_owned(redact_urls_in(&told.join(": ")))
}

/// Whether asking again cannot help: what is wrong is the other side's certificate or its TLS.
fn is_lasting(cause: &(dyn Error + 'static)) -> bool {
    matches!(
        cause.downcast_ref(),
        Some(
            rustls::Error::InvalidCertificate(_)
                | rustls::Error::NoCertificatesPresented
                | rustls::Error::PeerIncompatible(_)
                | rustls::Error::UnsupportedNameType
        )
    )
}

/// An error and what caused it. What an I/O error carries counts as its cause: its own `source`
/// steps over that, and errors of TLS travel so.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        carried.map(|carried| -> &(dyn Error + 'static) { carried }).or_else(|| error.source())
    })
}

fn error_ref(error: &reqwest::Error) -> &(dyn Error + 'static) {
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_makes_an_error_say_is_cut() {
        assert_eq!(cause_of(&io::Error::other("x".repeat(100_000))).len(), 1024);
    }
}
