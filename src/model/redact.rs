//! URLs as they may be printed: without user info and query, where tokens live.

use std::error::Error;

use url::Url;

/// The URL without user info, query and fragment; a text that is no URL is cut at its first `?`
/// or `#`, and everything up to the last `@` of its authority goes.
pub fn redact_url(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let bare = text.get(..end).unwrap_or("");
    let Ok(mut url) = Url::parse(bare) else {
        let (scheme, rest) = bare.split_once("//").unwrap_or(("", bare));
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(authority_end).unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or("");
        let slashes = if scheme.is_empty() { "" } else { "//" };
        return format!("{scheme}{slashes}{host}{path}");
    };
    // Both fail only for URLs that cannot have user info.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return url.to_string();
    }
    url.to_string()
}

/// A message with every URL in it redacted: for error chains of libraries, which like to name
/// the whole URL.
pub fn redact_urls_in(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find("://") {
        let (before, _) = rest.split_at(at);
        let scheme_from = before
            .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .map_or(0, |i| {
                i + before.get(i..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8)
            });
        let (head, url_on) = rest.split_at(scheme_from);
        let end = url_on
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')'))
            .unwrap_or(url_on.len());
        let (url, tail) = url_on.split_at(end);
        out.push_str(head);
        out.push_str(&redact_url(url));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// An error and all its causes in one line, redacted. A cause that only repeats what stands there
/// already is left out: some libraries print their source themselves.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let told = next.to_string();
        if !line.contains(&told) {
            line.push_str(": ");
            line.push_str(&told);
        }
        cause = next.source();
    }
    redact_urls_in(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_and_query_never_survive() {
        for (url, shown) in [
            ("https://u:SECRET@h.example/p?t=SECRET#f", "https://h.example/p"),
            ("mysql://root:SECRET@db:3306/fleet", "mysql://db:3306/fleet"),
            ("http://u:SECRET@[bad/p?SECRET", "http://[bad/p"),
            ("no url?SECRET", "no url"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }

    #[test]
    fn urls_inside_messages_are_redacted_and_the_rest_stays() {
        let message = "GET \"https://u:SECRET@h/p?x=SECRET\" failed: é https://h/?SECRET, twice";
        assert_eq!(redact_urls_in(message), "GET \"https://h/p\" failed: é https://h/ twice");
        assert_eq!(redact_urls_in("plain é text"), "plain é text");
    }
}
