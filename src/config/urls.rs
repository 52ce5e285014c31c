//! Which URLs restock can work with, judged without opening anything. No message repeats the URL,
//! which may hold a secret.

use crate::ledger::{check_server_url, names_server};

/// Whether a ledger may be there; what is wrong if not.
pub(super) fn judge_ledger(url: &str) -> Result<(), String> {
    match url.split_once(':') {
        // Other tools need to be told to make a file; a ledger is always made.
        Some(("sqlite", _)) => judge_file(url, &["mode=rwc"]),
        _ if names_server(url) => check_server_url(url),
        Some((scheme, _)) if is_scheme(scheme) => Err(format!(
            "has the scheme `{scheme}`, which is not supported: write sqlite://PATH, \
             postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE"
        )),
        _ => Err("is no URL: write sqlite://PATH".to_owned()),
    }
}

fn judge_file(url: &str, parameters: &[&str]) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return match url.split_once(':') {
            Some((scheme, _)) if is_scheme(scheme) => Err(format!(
                "has the scheme `{scheme}`, which is not supported: write sqlite://PATH"
            )),
            _ => Err("is no URL: write sqlite://PATH".to_owned()),
        };
    };
    if rest.contains('#') {
        return Err(
            "has a `#`, which it does not take: write %23 where the file's name has one".to_owned()
        );
    }
    let (path, given) = rest.split_once('?').unwrap_or((rest, ""));
    if matches!(path.trim_start_matches('/'), "" | ":memory:") {
        return Err("names no file: write sqlite://PATH".to_owned());
    }
    if given.is_empty() || parameters.contains(&given) {
        return Ok(());
    }
    Err("has parameters behind a `?`, which it does not take: write sqlite://PATH".to_owned())
}

/// Whether a store may be there; what is wrong if not.
pub(super) fn judge_store(url: &str) -> Result<(), String> {
    if url.is_empty() {
        return Err("is missing: write s3://bucket/prefix, or the path of a folder".to_owned());
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url.split_once(':') {
            Some((scheme @ ("s3" | "gs" | "az" | "file"), _)) => {
                Err(format!("lacks two slashes: write {scheme}://…"))
            }
            _ => Ok(()),
        };
    };
    match scheme {
        "file" if rest.contains(['?', '#']) => Err(
            "has a `?` or a `#`, which a folder's URL does not take: write %3F or %23 where its \
             name has one"
                .to_owned(),
        ),
        "file" if rest.starts_with('/') => Ok(()),
        "file" => Err("is not absolute: write file:///PATH, or a plain path".to_owned()),
        "s3" => judge_bucket(rest),
        other if is_scheme(other) => Err(format!(
            "has the scheme `{other}`, which is not supported: write s3://bucket/prefix, or a folder's path"
        )),
        _ => Err("is no URL: write s3://bucket/prefix, or the path of a folder".to_owned()),
    }
}

fn judge_bucket(rest: &str) -> Result<(), String> {
    if rest.contains(['?', '#', '@']) {
        return Err("holds more than bucket and prefix: the rest belongs to [store.options]".into());
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err("names no bucket: write s3://bucket/prefix".to_owned());
    }
    if bucket.contains(':') {
        return Err("has a port behind its bucket: an endpoint belongs to [store.options], as \
                    aws_endpoint"
            .to_owned());
    }
    if !bucket.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return Err("names no bucket: its name has letters, digits, `.`, `-` and `_`".to_owned());
    }
    if prefix.contains(char::is_control) {
        return Err("has a prefix with a line break or another control character".to_owned());
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !prefix.is_empty() && prefix.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("has a prefix with a leading or double slash, `.` or `..`: the store would \
                    list other keys than it reads"
            .to_owned());
    }
    if rest.ends_with("//") {
        return Err("has a prefix with a leading or double slash: the store would list other \
                    keys than it reads"
            .to_owned());
    }
    Ok(())
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_can_be() {
        for good in [
            "s3://b",
            "s3://b/",
            "s3://b/p:1/q/",
            "file:///a",
            "file:///%3F%23",
            "a",
            "/a b",
            "a?#",
        ] {
            assert_eq!(judge_store(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "s3://",
            "s3:///p",
            "s3://b//p",
            "s3://b/p//q",
            "s3://b//",
            "s3://b/p//",
            "s3://b/../p",
            "s3://k:SECRET@b",
            "s3://b?SECRET",
            "file://a",
            "file:///p?x=SECRET#f",
            "file:///p#SECRET",
            "s3://b:9000/p",
            "s3://k:SECRET@b:9000/p",
            "s3://b/p#SECRET",
            "s3://b c/p",
            "ftp://h/SECRET",
            "s3:b",
            "://SECRET",
        ] {
            let problem = judge_store(bad).unwrap_err();
            assert!(!problem.contains("SECRET"), "{problem}");
        }
    }

    #[test]
    fn what_a_ledger_can_be() {
        for good in ["sqlite://a.db", "sqlite:a.db", "sqlite:///a/b.db"] {
            assert_eq!(judge_ledger(good), Ok(()), "{good}");
        }
        assert_eq!(judge_ledger("sqlite:a.db?mode=rwc"), Ok(()));
        for good in ["postgres://u:p@h/db?sslmode=require", "mariadb://u:p@h:3307/db"] {
            assert_eq!(judge_ledger(good), Ok(()), "{good}");
        }
        for bad in ["postgres://u:SECRET@h", "mysql://u:SE#CRET@h/db", "mysql://h/db?SECRET=1"] {
            let problem = judge_ledger(bad).unwrap_err();
            assert!(!problem.contains("SECRET"), "{problem}");
        }
        for bad in [
            "",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://:memory:",
            "a.db",
            "sqlite://a.db?SECRET",
            "sqlite://a.db#SECRET",
            "sqlite:///p/a.db?mode=rwc#SECRET",
            "redis://root:SECRET@h/db",
            "SECRET x:y",
        ] {
            let problem = judge_ledger(bad).unwrap_err();
            assert!(!problem.contains("SECRET"), "{problem}");
        }
    }
}
