//! Manifests: text files of `sha256  url` lines.

use std::path::Path;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use url::Url;

use crate::model::{Digest, cut_owned, redact_place, redact_url};

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// Where the first line of a manifest stands, in bytes: behind a header, at most.
const HEAD_BYTES: u64 = 64 << 10;

/// A manifest in UTF-16 is read whole, up to so many bytes.
const WIDE_BYTES: u64 = 64 << 20;

/// Lines that are refused one by one; of more, only the number is told.
const REFUSED_AT_MOST: usize = 100;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The lines of a manifest, each with its number from 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) lines: Vec<(Digest, Url)>,
    /// What is wrong with the others.
    pub(super) refused: Vec<String>,
    more_refused: usize,
}

/// Reads a path as a manifest; `None` where it is anything else, also where it cannot be read: that
/// is told when it is imported. What looks like a manifest is one, whatever is wrong with its lines:
/// as a file it was hardly meant.
pub(super) async fn read(path: &Path) -> Option<Manifest> {
    // A symlink or a pipe is no manifest; opening the latter would wait for a writer.
    let metadata = tokio::fs::symlink_metadata(path).await.ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut head = Vec::new();
    tokio::fs::File::open(path).await.ok()?.take(HEAD_BYTES).read_to_end(&mut head).await.ok()?;
    let wide = wide(&head);
    let is_manifest = match wide {
        Some(unit) => looks_like_one(utf16(&head, unit).as_bytes()),
        None => looks_like_one(&head),
    };
    if !is_manifest {
        return None;
    }
    let file = tokio::fs::File::open(path).await.ok()?;
    let mut manifest = Manifest::default();
    match wide {
        None => manifest.read(&mut BufReader::new(file)).await,
        Some(unit) => {
            let mut bytes = Vec::new();
            file.take(WIDE_BYTES).read_to_end(&mut bytes).await.ok()?;
            manifest.read(&mut utf16(&bytes, unit).as_bytes()).await;
        }
    }
    manifest.tell_more();
    Some(manifest)
}

impl Manifest {
    async fn read(&mut self, reader: &mut (impl AsyncBufRead + Unpin)) {
        let mut number = 0_u64;
        loop {
            let mut line = Vec::new();
            number += 1;
            let read = (&mut *reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await;
            match read {
                Ok(0) => return,
                Err(error) => return self.refuse(number, &format!("cannot be read: {error}")),
                Ok(_) => {}
            }
            if !line.ends_with(b"\n") && u64::try_from(line.len()).is_ok_and(|n| n >= LONGEST_LINE)
            {
                self.refuse(number, "is too long");
                if let Err(error) = skip_line(reader).await {
                    return self.refuse(number, &format!("cannot be read: {error}"));
                }
                continue;
            }
            match parse(&line, number == 1) {
                Parsed::Nothing => {}
                Parsed::Line(digest, url) => self.lines.push((digest, url)),
                Parsed::Refused(problem) => self.refuse(number, &problem),
            }
        }
    }

    fn refuse(&mut self, number: u64, problem: &str) {
        if self.refused.len() < REFUSED_AT_MOST {
            self.refused.push(format!("line {number} of this manifest {problem}"));
        } else {
            self.more_refused += 1;
        }
    }

    fn tell_more(&mut self) {
        if self.more_refused > 0 {
            let more = self.more_refused;
            self.refused.push(format!("{more} more lines of this manifest are refused"));
        }
    }
}

/// Goes to the end of a line, however far that is.
async fn skip_line(reader: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<()> {
    loop {
        let mut part = Vec::new();
        let read = (&mut *reader).take(LONGEST_LINE).read_until(b'\n', &mut part).await?;
        if read == 0 || part.ends_with(b"\n") {
            return Ok(());
        }
    }
}

/// Whether the beginning of a file is that of a manifest: its first line has a digest and something
/// behind it, as `sha256sum` writes them too, or a later one has a digest and a URL.
fn looks_like_one(head: &[u8]) -> bool {
    if head.contains(&0) {
        return false;
    }
    let text = String::from_utf8_lossy(head);
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    let mut lines = text.lines().map(str::trim).filter(|line| !is_nothing(line));
    let parts = |line: &str| {
        let (digest, rest) = line.split_once(char::is_whitespace)?;
        digest_of(digest).ok()?;
        Some(rest.trim().to_owned())
    };
    let first = lines.next().and_then(parts);
    first.is_some() || lines.any(|line| parts(line).is_some_and(|rest| rest.contains("://")))
}

fn is_nothing(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

fn digest_of(text: &str) -> Result<Digest, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    hex.parse().map_err(|error| format!("begins with what is {error}"))
}

enum Parsed {
    Nothing,
    Line(Digest, Url),
    Refused(String),
}

fn parse(line: &[u8], is_first: bool) -> Parsed {
    let Ok(line) = str::from_utf8(line) else { return Parsed::Refused("is no text".to_owned()) };
    let line = if is_first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
    let line = line.trim();
    if is_nothing(line) {
        return Parsed::Nothing;
    }
    let Some((digest, url)) = line.split_once(char::is_whitespace) else {
        return Parsed::Refused("is not `sha256  url`".to_owned());
    };
    match (digest_of(digest), url_of(url.trim())) {
        (Ok(digest), Ok(url)) => Parsed::Line(digest, url),
        (Err(problem), _) | (Ok(_), Err(problem)) => Parsed::Refused(problem),
    }
}

/// The URL of a line. `sha256sum` puts a `*` before what it read as bytes.
fn url_of(text: &str) -> Result<Url, String> {
    let text = text.strip_prefix('*').unwrap_or(text);
    // The parser would leave some of them out and encode others: another URL would be asked.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has something behind its URL, or white space in it".to_owned());
    }
    if !text.contains("://") {
        return Err(format!("names a file and no URL: `{}`", cut_owned(redact_place(text))));
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(_) | Err(_) => Err(format!("has no http or https URL but `{}`", redact_url(text))),
    }
}

type Unit = fn([u8; 2]) -> u16;

/// How UTF-16 is to be read, where a byte order mark says that it is: PowerShell writes it.
fn wide(head: &[u8]) -> Option<Unit> {
    match head.get(..2)? {
        [0xff, 0xfe] => Some(u16::from_le_bytes),
        [0xfe, 0xff] => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8], unit: Unit) -> String {
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        _ => 0xfffd,
    });
    char::decode_utf16(pairs).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
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

    async fn reading(bytes: &[u8]) -> Option<Manifest> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path()).await
    }

    async fn urls(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
        let manifest = reading(bytes).await.expect("a manifest");
        (manifest.lines.iter().map(|(_, url)| url.to_string()).collect(), manifest.refused)
    }

    #[tokio::test]
    async fn a_manifest_is_lines_of_digest_and_url_with_comments_between() {
        let digest: Digest = "ab".repeat(32).parse().unwrap();
        let text = format!("# ours\n\n{digest}  https://h/a%20b.pkg\r\n{digest}\thttp://h/c?t=1");
        let Manifest { lines, .. } = reading(text.as_bytes()).await.unwrap();
        let urls: Vec<_> = lines.iter().map(|(_, url)| url.as_str()).collect();
        assert_eq!(urls, ["https://h/a%20b.pkg", "http://h/c?t=1"]);
        assert_eq!(name_in(&lines[0].1).as_deref(), Some("a b.pkg"));
        assert_eq!(name_in(&Url::parse("https://h").unwrap()), None);
    }

    #[tokio::test]
    async fn however_a_manifest_was_written_it_is_read() {
        let digest = "ab".repeat(32);
        let upper = digest.to_uppercase();
        for line in [
            format!("{upper} https://h/x"),
            format!("sha256:{digest}\t \thttps://h/x  "),
            format!("{digest} *https://h/x"),
            format!("{digest}  https://h/x\r"),
            format!("  {digest}  https://h/x"),
        ] {
            let text = format!("{line}\n# more\n{digest}  https://h/y\n");
            let marked = format!("\u{feff}{text}");
            let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
                marked.encode_utf16().flat_map(bytes).collect()
            };
            let (le, be) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
            for bytes in [text.as_bytes(), marked.as_bytes(), &le, &be] {
                let (urls, refused) = urls(bytes).await;
                assert_eq!((urls.len(), refused.len()), (2, 0), "{line:?}: {refused:?}");
            }
        }
        let alone = format!("\u{feff}{digest}  https://h/x");
        assert_eq!(urls(alone.as_bytes()).await.0, ["https://h/x"]);
        let twice = format!("{digest}  https://h/x\n").repeat(2);
        assert_eq!(urls(twice.as_bytes()).await.0.len(), 2, "the catalog takes it once");
    }

    #[tokio::test]
    async fn what_does_not_look_like_a_manifest_is_a_file() {
        let digest = "ab".repeat(32);
        for bytes in [
            b"".to_vec(),
            b"# only a comment\n".to_vec(),
            b"hello https://h/\n".to_vec(),
            format!("{digest}\n").into_bytes(),
            format!("some words\n{digest}  and some more\n").into_bytes(),
            format!("\0{digest}  https://h/x\n{digest}  https://h/x\n").into_bytes(),
            vec![0xff; 200_000],
            vec![b'a'; 200_000],
        ] {
            assert_eq!(reading(&bytes).await, None, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[tokio::test]
    async fn each_bad_line_is_refused_by_its_number_and_the_others_are_read() {
        let digest = "ab".repeat(32);
        let long = "x".repeat(200_000);
        for (bad, part) in [
            ("abc  https://h/x", "begins with what is not a SHA-256 digest"),
            (&format!("{digest} installer.pkg?SECRET"), "names a file and no URL: `installer.pkg`"),
            (&format!("{digest} *installer.pkg"), "names a file and no URL: `installer.pkg`"),
            (&format!("{digest} ftp://u:SECRET@h/x"), "has no http or https URL but `ftp://h`"),
            (&format!("{digest} https://h/x  # SECRET"), "has something behind its URL"),
            (&format!("{digest} https://h/x\r{digest} https://h/y"), "has something behind"),
            (&format!("{digest} https://"), "has no http or https URL"),
            ("junk", "is not `sha256  url`"),
            (&long, "is too long"),
            (&format!("{digest} {}", "x".repeat(60_000)), "names a file and no URL: `xxx"),
        ] {
            let good = format!("{digest}  https://h/a");
            for (text, number) in [
                (format!("{good}\n{bad}\n{good}\n"), 2),
                (format!("{good}\n\n{good}\n{bad}"), 4),
                (format!("\u{feff}# ours\r\n{good}\r\n{bad}\r\n{good}\r\n"), 3),
            ] {
                let (urls, refused) = urls(text.as_bytes()).await;
                assert_eq!((urls.len(), refused.len()), (2, 1), "{refused:?}");
                let begin = format!("line {number} of this manifest ");
                assert!(refused[0].starts_with(&begin) && refused[0].contains(part), "{refused:?}");
                assert!(!refused[0].contains("SECRET"), "{refused:?}");
                assert!(refused[0].len() < 1_200, "{refused:?}");
            }
        }
        let list = format!("{digest} *a.pkg\n{digest} *b.pkg\n");
        assert_eq!(urls(list.as_bytes()).await.1.len(), 2, "it is none, and no file either");
        let header = format!("sha256 url\n{digest} https://h/x\n");
        assert_eq!(urls(header.as_bytes()).await.1.len(), 1);
        let many = format!("{digest} x\n").repeat(1_000);
        let (_, refused) = urls(many.as_bytes()).await;
        assert_eq!(refused.len(), 101);
        assert_eq!(refused[100], "900 more lines of this manifest are refused");
    }
}
