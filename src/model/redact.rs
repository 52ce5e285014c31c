//! URLs as they may be printed: without user info and query, where tokens live.

use std::error::Error;

use super::foreign::{cut, cut_owned};
use super::{MAINTAINED_APP, SCRIPT};

/// Schemes whose URLs are shown with their path, where they are plain.
const PATH_SHOWN: [&str; 5] = ["http", "https", "s3", "gs", "az"];
/// Schemes of what lies on this machine: no user logs in there.
const LOCAL: [&str; 3] = ["sqlite", "file", "unix"];
/// Schemes of database servers, of which the path names the database.
const DATABASES: [&str; 4] = ["mysql", "mariadb", "postgres", "postgresql"];
/// What stands for a text of which nothing may be shown.
const HIDDEN: &str = "…";

/// A source as it may be printed.
///
/// A plain URL of http(s), s3, gs or az loses its user info, query and fragment. Of everything else
/// no more than scheme and host are shown, and of a host that may be a part of a password, nothing:
/// people write `/`, `?`, `#` and `@` into passwords. What is long is cut.
pub fn redact_url(text: &str) -> String {
    cut_owned(redacted(text.trim()))
}

fn redacted(text: &str) -> String {
    if let Some(own) = own_spelling(text) {
        return own;
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        // Without a scheme, only what follows an `@` can be meant for a host.
        return match located(text) {
            _ if text.is_empty() => String::new(),
            Some(Place { host, .. }) if text.contains('@') => host.to_owned(),
            Some(_) | None => HIDDEN.to_owned(),
        };
    };
    let shows_path = is_among(&PATH_SHOWN, scheme);
    let shown = match located(rest) {
        Some(Place { host, path, is_plain: true }) if shows_path => format!("{host}{path}"),
        Some(Place { host, .. }) => host.to_owned(),
        None => HIDDEN.to_owned(),
    };
    format!("{scheme}//{shown}")
}

/// A URL or path of the configuration as it may be printed: of a database's, its name stays, and
/// of a file's, its path.
pub fn redact_place(text: &str) -> String {
    let text = text.trim();
    let (scheme, _) = text.split_once(':').unwrap_or(("", text));
    if is_among(&LOCAL, scheme) {
        return without_query(text).to_owned();
    }
    match split_scheme(text) {
        Some((colon, rest)) if is_among(&DATABASES, colon) => match located(rest) {
            Some(Place { host, path, .. }) => format!("{colon}//{host}{path}"),
            None => format!("{colon}//{HIDDEN}"),
        },
        None if !text.contains('@') => without_query(text).to_owned(),
        Some(_) | None => redact_url(text),
    }
}

/// Where a URL leads.
struct Place<'a> {
    /// Host and port.
    host: &'a str,
    /// What follows, up to the query.
    path: &'a str,
    /// Whether there is only one way to read it.
    is_plain: bool,
}

/// Where a URL leads, of which this follows the slashes. Its host stands behind the last `@`;
/// `None` where that may lie in a query, and where no host can be made out.
fn located(rest: &str) -> Option<Place<'_>> {
    let before = without_query(rest);
    if rest.get(before.len()..)?.contains('@') {
        return None;
    }
    let from = before.rfind('@').map_or(0, |at| at + 1);
    let (head, tail) = before.split_at(from);
    let (authority, path) = tail.split_at(tail.find(['/', '\\']).unwrap_or(tail.len()));
    let host = host_and_port(authority)?;
    let is_plain = !head.contains(['/', '\\']) && host.len() == authority.len();
    Some(Place { host, path, is_plain })
}

/// The host with its port, the host alone where no port follows its colon.
fn host_and_port(authority: &str) -> Option<&str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let is_address = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let end = if authority.starts_with('[') {
        authority.find(']').map(|at| at + 1)?
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(end);
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.chars().all(is_address),
        None => !host.is_empty() && host.chars().all(is_name),
    };
    let digits = port.strip_prefix(':').unwrap_or("");
    let is_port = port.is_empty()
        || ((1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
    is_host.then_some(if is_port { authority } else { host })
}

/// The scheme with its colon, empty where there is none, and what follows the slashes.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let at = text.find("//")?;
    let (scheme, rest) = text.split_at(at);
    let name = scheme.strip_suffix(':').unwrap_or(scheme);
    let is_scheme = name.chars().all(is_scheme_char) && (name.is_empty() == scheme.is_empty());
    is_scheme.then(|| (scheme, rest.get(2..).unwrap_or("")))
}

const fn is_scheme_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

fn is_among(schemes: &[&str], scheme: &str) -> bool {
    let scheme = scheme.strip_suffix(':').unwrap_or(scheme);
    schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

fn without_query(text: &str) -> &str {
    text.get(..text.find(['?', '#']).unwrap_or(text.len())).unwrap_or("")
}

/// A source that is no URL, in restock's own spelling.
fn own_spelling(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    [MAINTAINED_APP, SCRIPT].into_iter().find_map(|prefix| {
        let rest = text.strip_prefix(prefix)?;
        let shown = if rest.chars().all(is_plain) { rest } else { HIDDEN };
        Some(format!("{prefix}{shown}"))
    })
}

/// A message with every URL in it redacted: for error chains of libraries, which like to name
/// the whole URL.
pub fn redact_urls_in(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(from) = next_url(rest) {
        let (head, url_on) = rest.split_at(from);
        let end = url_on
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>'))
            .unwrap_or(url_on.len());
        let (url, tail) = url_on.split_at(end);
        let bare = url.trim_end_matches([')', ',', '.', ';', ':', '\'', '}']);
        // What closes a sentence is no part of a URL, save in a query, of which nothing is shown.
        let closing =
            if url.contains(['?', '#']) { "" } else { url.get(bare.len()..).unwrap_or("") };
        let scheme = bare.split_once(':').map_or("", |(scheme, _)| scheme);
        out.push_str(head);
        if is_among(&LOCAL, scheme) || is_among(&DATABASES, scheme) {
            out.push_str(&redact_place(bare));
        } else {
            out.push_str(&redact_url(bare));
        }
        out.push_str(closing);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Where the next URL of a message begins: at a scheme, or at two slashes that begin a word with
/// an `@` in it.
fn next_url(message: &str) -> Option<usize> {
    message.match_indices("//").find_map(|(at, _)| {
        let (before, url) = message.split_at(at);
        if let Some(named) = before.strip_suffix(':') {
            let scheme = named.rsplit(|c| !is_scheme_char(c)).next().unwrap_or("");
            return Some(named.len() - scheme.len());
        }
        let opens = |c: char| c.is_whitespace() || matches!(c, '"' | '`' | '\'' | '(' | '=' | '<');
        let begins_a_word = before.chars().next_back().is_none_or(opens);
        let word = url.split(char::is_whitespace).next().unwrap_or("");
        (begins_a_word && word.contains('@')).then_some(at)
    })
}

/// An error and all its causes in one line, redacted.
///
/// A cause that only repeats what stands there already is left out: some libraries print their source themselves. Each of them is cut, since
/// servers and databases write them.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = cut_owned(error.to_string());
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        let told = cut(&said);
        if !line.contains(told.as_ref()) {
            line.push_str(": ");
            line.push_str(&told);
        }
        cause = next.source();
    }
    redact_urls_in(&line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_info_and_query_never_survive() {
        for (url, shown) in [
            ("https://u:SECRET@h.example/p?t=SECRET#f", "https://h.example/p"),
            ("HTTPS://u:SECRET@h.example/p", "HTTPS://h.example/p"),
            ("s3://key:SECRET@bucket/p", "s3://bucket/p"),
            ("https://u:SECRET@[::1]:8443/p", "https://[::1]:8443/p"),
            ("https://u:SEC@RET@h/p", "https://h/p"),
            ("http://u:SECRET@[bad/p?SECRET", "http://…"),
            ("http://u:SECRET", "http://u"),
            ("//user:SECRET@host/", "//host"),
            ("http://u:1/SECRET@h/", "http://h"),
            ("http://u:1\\SECRET@h/", "http://h"),
            ("http://u:1?SECRET@h/", "http://…"),
            ("http://u:1#SECRET@h/", "http://…"),
            ("https://SEC/RET@h/p", "https://h"),
            ("https://h/p?t=a@SECRET", "https://…"),
            ("http:u:SECRET@h/p", "h"),
            ("ftp://u:SECRET@files.example:21/a", "ftp://files.example:21"),
            ("mysql://root:SECRET@db:3306/fleet", "mysql://db:3306"),
            ("file:///etc/passwd", "file://…"),
            ("bob:SECRET@files.example/x", "files.example"),
            ("root:SECRET@tcp(db:3306)/fleet", "…"),
            ("no url?SECRET", "…"),
            ("", ""),
            ("https://h.example:8443/a@b?SECRET", "https://b"),
            ("https://h.example/a(1).pkg?sig=SECRET", "https://h.example/a(1).pkg"),
            ("https://bücher.example/a", "https://bücher.example/a"),
            ("maintained-app:slack/darwin", "maintained-app:slack/darwin"),
            ("maintained-app:u:SECRET@h", "maintained-app:…"),
            ("script:7", "script:7"),
        ] {
            assert_eq!(redact_url(url), shown, "{url}");
        }
    }

    #[test]
    fn what_each_cause_of_an_error_says_is_cut() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Told(String, #[source] std::io::Error);
        let cause = std::io::Error::other("x".repeat(100_000));
        let told = error_chain(&Told("y".repeat(100_000), cause));
        assert_eq!(told.len(), 1024 + ": ".len() + 1024);
    }

    #[test]
    fn a_place_of_the_configuration_keeps_its_path() {
        for (url, shown) in [
            ("mysql://root:SECRET@db:3306/fleet?SECRET", "mysql://db:3306/fleet"),
            ("mysql://u:SE/CRET@h/db", "mysql://h/db"),
            ("mysql://u:SE#CRET@h/db", "mysql://…"),
            ("sqlite://catalog.db?SECRET", "sqlite://catalog.db"),
            ("sqlite:/var/lib/a@b.db", "sqlite:/var/lib/a@b.db"),
            ("file:///srv/a@b", "file:///srv/a@b"),
            ("localhost:9847?SECRET", "localhost:9847"),
            ("u:SECRET@localhost:9847", "localhost:9847"),
            ("https://u:SECRET@h/p?SECRET", "https://h/p"),
        ] {
            assert_eq!(redact_place(url), shown, "{url}");
        }
    }

    #[test]
    fn urls_inside_messages_are_redacted_and_the_rest_stays() {
        let message = "GET \"https://u:SECRET@h/p?x=SECRET\" failed: é https://h/?SECRET, twice";
        assert_eq!(redact_urls_in(message), "GET \"https://h/p\" failed: é https://h/ twice");
        for same in ["plain é text", "see (https://h).", "a//b@c", "sqlite:///var/lib/l.db: locked"]
        {
            assert_eq!(redact_urls_in(same), same);
        }
        let odd = redact_urls_in("get (https://u:p)SECRET@h/a(1)'s.pkg?sig=SECRET) twice");
        assert!(!odd.contains("SECRET") && odd.ends_with("twice"), "{odd}");
        let bare = redact_urls_in("`//u:SECRET@h/` and (//u:SECRET@h/p), mysql://u:SECRET@h/db");
        assert_eq!(bare, "`//h` and (//h), mysql://h/db");
    }

    /// What a password may be, with the secret on both sides of anything.
    fn password() -> impl Strategy<Value = String> {
        let odd = r"[/?#@:\\%&=+.;,'()\[\]0-9a-zé-]{0,6}";
        (odd, odd, odd).prop_map(|(a, b, c)| format!("{a}SECRET{b}SECRET{c}"))
    }

    proptest! {
        #[test]
        fn no_secret_is_ever_left(
            scheme in "(https?:|s3:|gs:|az:|ftp:|mysql:|postgres:|x:|HTTP:|)",
            user in "[a-z0-9%.-]{0,4}",
            password in password(),
            host in r"(h|h\.example|127\.0\.0\.1|\[::1\]|bücher|)(:[0-9]{1,5})?",
            path in r"(/[a-z0-9@.()~%-]{0,8}){0,3}",
            query in r"(\?[a-z@/=]{0,4}SECRET[a-z@/?#]{0,4})?(#[a-z@]{0,3}SECRET)?",
        ) {
            let url = format!("{scheme}//{user}:{password}@{host}{path}{query}");
            for shown in [redact_url(&url), redact_place(&url)] {
                prop_assert!(!shown.contains("SECRET"), "{url} is shown as {shown}");
            }
            let message = redact_urls_in(&format!("cannot ask {url}"));
            prop_assert!(!message.contains("SECRET"), "{url} is told as {message}");
            let token = format!("{scheme}//{password}@{host}{path}{query}");
            let shown = redact_url(&token);
            prop_assert!(!shown.contains("SECRET"), "{token} is shown as {shown}");
        }

        #[test]
        fn a_plain_url_loses_nothing_but_its_query(
            scheme in "(https?|s3|gs|az)",
            host in r"[a-z0-9]([a-z0-9.-]{0,12}[a-z0-9])?(:[0-9]{1,5})?",
            path in r"(/[a-zA-Z0-9._~%+,()=:;!$&'-]{0,8}){0,4}",
        ) {
            let url = format!("{scheme}://{host}{path}");
            prop_assert_eq!(redact_url(&url), url.as_str());
            prop_assert_eq!(redact_url(&format!("{url}?a=b#c")), url);
        }
    }
}
