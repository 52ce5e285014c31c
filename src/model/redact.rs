//! URLs as they may be printed: without user info and query, where tokens live.

use std::error::Error;

/// The URL without user info, query and fragment. Everything up to the last `@` before the path
/// goes, also where a password holds a `#`, a `?` or a `/`; a text that is no URL is treated alike.
pub fn redact_url(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let bare = match secret_end(rest) {
        Some(at) => rest.get(at..).unwrap_or(""),
        None => rest,
    };
    let end = bare.find(['?', '#']).unwrap_or(bare.len());
    format!("{scheme}{}", bare.get(..end).unwrap_or(""))
}

/// Where user info ends: behind the last `@` that stands before the query of what is left then.
/// An `@` in a path is taken for one where nothing says better: too little is shown rather than a
/// secret.
fn secret_end(rest: &str) -> Option<usize> {
    let authority = rest.find('/').unwrap_or(rest.len());
    let in_authority = rest.get(..authority).and_then(|part| part.rfind('@'));
    if let Some(at) = in_authority {
        return Some(at + 1);
    }
    // `user:pa/ss@host`: a colon that no port follows is the start of a password.
    let head = rest.get(..authority).unwrap_or("");
    let (_, port) = head.split_once(':')?;
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_literal = head.starts_with('[');
    if is_port || is_literal {
        return None;
    }
    rest.rfind('@').map(|at| at + 1)
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
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>'))
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
            ("bob:SECRET@files.example/x", "files.example/x"),
            ("root:SECRET@tcp(db:3306)/fleet", "tcp(db:3306)/fleet"),
            ("mysql://u:SE#CRET@h/db", "mysql://h/db"),
            ("mysql://u:SE/CRET@h/db", "mysql://h/db"),
            ("https://h.example:8443/a@b?SECRET", "https://h.example:8443/a@b"),
            ("https://h.example/a(1).pkg?sig=SECRET", "https://h.example/a(1).pkg"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }

    #[test]
    fn urls_inside_messages_are_redacted_and_the_rest_stays() {
        let message = "GET \"https://u:SECRET@h/p?x=SECRET\" failed: é https://h/?SECRET, twice";
        assert_eq!(redact_urls_in(message), "GET \"https://h/p\" failed: é https://h/ twice");
        assert_eq!(redact_urls_in("plain é text"), "plain é text");
        let odd = redact_urls_in("get (https://u:p)SECRET@h/a(1)'s.pkg?sig=SECRET) twice");
        assert!(!odd.contains("SECRET") && odd.ends_with("twice"), "{odd}");
    }
}
