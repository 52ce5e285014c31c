//! Manifests: text files of `sha256  url` lines.

use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use url::Url;

use crate::model::{Digest, redact_url};

/// The longest line, in bytes; what has none this short is no manifest.
const LONGEST_LINE: u64 = 64 << 10;

/// The lines of a manifest, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) lines: Vec<(Digest, Url)>,
}

/// What a path turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A manifest.
    Manifest(Manifest),
    /// A manifest by its first line, and not by a later one: nothing of it counts, since as a file
    /// it was hardly meant.
    Refused(String),
    /// Anything else, also what cannot be read: that is told when it is imported.
    NoManifest,
}

/// Reads a path as a manifest, as far as it is one.
pub(super) async fn read(path: &Path) -> Reading {
    // A symlink or a pipe is no manifest; opening the latter would wait for a writer.
    match tokio::fs::symlink_metadata(path).await {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) | Err(_) => return Reading::NoManifest,
    }
    let Ok(file) = tokio::fs::File::open(path).await else { return Reading::NoManifest };
    let mut reader = BufReader::new(file);
    let (mut lines, mut number) = (Vec::new(), 0_u64);
    loop {
        let mut line = Vec::new();
        number += 1;
        let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await;
        let problem = match read {
            Ok(0) => break,
            Err(error) => format!("cannot be read: {error}"),
            Ok(_) => match parse(&line) {
                Parsed::Nothing => continue,
                Parsed::Line(digest, url) => {
                    lines.push((digest, url));
                    continue;
                }
                Parsed::Refused(problem) => problem,
            },
        };
        if lines.is_empty() {
            return Reading::NoManifest;
        }
        return Reading::Refused(format!(
            "line {number} of this manifest {problem}; nothing of it was registered"
        ));
    }
    if lines.is_empty() {
        return Reading::NoManifest;
    }
    Reading::Manifest(Manifest { lines })
}

enum Parsed {
    Nothing,
    Line(Digest, Url),
    Refused(String),
}

fn parse(line: &[u8]) -> Parsed {
    let Ok(line) = str::from_utf8(line) else { return Parsed::Refused("is no text".to_owned()) };
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Parsed::Nothing;
    }
    let Some((digest, url)) = line.split_once(char::is_whitespace) else {
        return Parsed::Refused("is not `sha256  url`".to_owned());
    };
    let digest = match digest.parse() {
        Ok(digest) => digest,
        Err(error) => return Parsed::Refused(format!("begins with what is {error}")),
    };
    let url = url.trim();
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Parsed::Line(digest, parsed),
        Ok(_) | Err(_) => {
            Parsed::Refused(format!("has no http or https URL but `{}`", redact_url(url)))
        }
    }
}

/// The name in a URL's last segment, decoded.
pub(super) fn name_in(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    let name = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reading(bytes: &[u8]) -> Reading {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path()).await
    }

    #[tokio::test]
    async fn a_manifest_is_lines_of_digest_and_url_with_comments_between() {
        let digest: Digest = "ab".repeat(32).parse().unwrap();
        let text = format!("# ours\n\n{digest}  https://h/a%20b.pkg\r\n{digest}\thttp://h/c?t=1");
        let Reading::Manifest(Manifest { lines }) = reading(text.as_bytes()).await else {
            panic!("a manifest")
        };
        let urls: Vec<_> = lines.iter().map(|(_, url)| url.as_str()).collect();
        assert_eq!(urls, ["https://h/a%20b.pkg", "http://h/c?t=1"]);
        assert_eq!(name_in(&lines[0].1).as_deref(), Some("a b.pkg"));
        assert_eq!(name_in(&Url::parse("https://h").unwrap()), None);
    }

    #[tokio::test]
    async fn what_does_not_begin_as_a_manifest_is_a_file() {
        let digest = "ab".repeat(32);
        for bytes in [
            b"".to_vec(),
            b"# only a comment\n".to_vec(),
            b"hello https://h/\n".to_vec(),
            format!("{digest}  installer.pkg\n").into_bytes(),
            format!("{digest}\n").into_bytes(),
            vec![0xff; 200_000],
        ] {
            assert_eq!(reading(&bytes).await, Reading::NoManifest);
        }
    }

    #[tokio::test]
    async fn a_manifest_with_one_bad_line_is_refused_whole() {
        let digest = "ab".repeat(32);
        for (bad, part) in [
            (
                "abc  https://h/x",
                "line 2 of this manifest begins with what is not a SHA-256 digest",
            ),
            (&format!("{digest} installer.pkg?SECRET"), "has no http or https URL"),
            ("junk", "is not `sha256  url`"),
        ] {
            let text = format!("{digest}  https://h/a\n{bad}\n");
            let Reading::Refused(problem) = reading(text.as_bytes()).await else {
                panic!("{bad} was taken")
            };
            assert!(problem.contains(part) && !problem.contains("SECRET"), "{problem}");
        }
    }
}
