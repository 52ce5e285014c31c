//! `restock status --server`: asks a running daemon, over HTTP or its admin socket.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use http::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Response};
use serde::Deserialize;
use url::Url;

use crate::config::NamedFile;
use crate::model::redact_place;
use crate::report::{StatusView, escape};

use super::{UsageError, loose};

const SCHEMA: &str = "restock.status/v1";

/// Time for everything.
const PATIENCE: Duration = Duration::from_secs(40);
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Bytes of an answer.
const ANSWER_BYTES: usize = 16 << 20;

/// Characters of what an unhappy server says.
const SAID_CHARS: usize = 300;

/// Where a daemon answers.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// At a URL, with the path of a reverse proxy before the routes.
    Http(Url),
    /// On its admin socket.
    Socket(PathBuf),
}

/// What a daemon answers.
#[derive(Deserialize)]
struct Answered {
    schema: String,
    #[serde(flatten)]
    view: StatusView,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// What a daemon knows now. The token, in a file, is for one with `http.api = "token"`.
pub(super) async fn status(server: &str, token: Option<&Path>) -> anyhow::Result<StatusView> {
    let place = Place::read(server)?;
    let token = token.map(bearer).transpose()?;
    let patient = tokio::time::timeout(PATIENCE, place.status(token));
    let asked = patient.await.unwrap_or_else(|_| {
        let time = humantime::format_duration(PATIENCE);
        Err(anyhow::anyhow!("no answer within {time}: is it overloaded, or no restock?"))
    });
    asked.with_context(|| format!("cannot ask the daemon at {place}"))
}

/// The header that shows who asks.
fn bearer(file: &Path) -> anyhow::Result<HeaderValue> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the token in {shown} (--token-file)"))?;
    loose::tell_of(NamedFile { name: "--token-file".to_owned(), path: file.to_owned() });
    let mut header = HeaderValue::from_str(&format!("Bearer {}", text.trim()))
        .map_err(|_| anyhow::anyhow!("{shown} (--token-file) holds no token: it is one line"))?;
    header.set_sensitive(true);
    Ok(header)
}

impl Place {
    fn read(server: &str) -> Result<Self, UsageError> {
        if let Some(path) = server.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Socket(path.into()));
        }
        let wrong = |problem: &str| {
            let hint = "write --server http://127.0.0.1:9847, or --server unix:PATH with the \
                        path in http.admin_socket";
            UsageError::new(format!("`{}` {problem}", redact_place(server)), hint)
        };
        let url = Url::parse(server).map_err(|error| wrong(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("is no URL of HTTP"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds user info: a token is given by --token-file"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("holds more than where the daemon answers"));
        }
        Ok(Self::Http(url))
    }

    async fn status(&self, token: Option<HeaderValue>) -> anyhow::Result<StatusView> {
        let client = Client::builder()
            .user_agent(concat!("restock/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME)
            // The token is for the server that was named, and for no other.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let (client, url) = match self {
            Self::Http(url) => {
                (client, format!("{}/api/v1/status", url.as_str().trim_end_matches('/')))
            }
            Self::Socket(path) => {
                (client.unix_socket(path.as_path()), "http://localhost/api/v1/status".to_owned())
            }
        };
        let mut request = client.build()?.get(url);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let answer = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .context("does it run, and is this where it listens (http.listen)?")?;
        let status = answer.status();
        let body = body(answer).await?;
        if status != StatusCode::OK {
            anyhow::bail!("{}", refusal(status, &body));
        }
        let no_status = "the answer is no status of restock's: is this its address, and is it \
                         of the same version?";
        let read: Answered = serde_json::from_slice(&body).context(no_status)?;
        anyhow::ensure!(read.schema == SCHEMA, "{no_status}");
        Ok(read.view)
    }
}

async fn body(mut answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        anyhow::ensure!(
            body.len() + chunk.len() <= ANSWER_BYTES,
            "the answer is longer than any status: is this its address?"
        );
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why there is no status, and what to do about it.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let said = serde_json::from_slice(body).map(|Refused { error }| error).unwrap_or_default();
    let said: String = said.chars().take(SAID_CHARS).collect();
    let todo = match status {
        StatusCode::UNAUTHORIZED => "; --token-file FILE shows who asks",
        StatusCode::NOT_FOUND => {
            "; where http.api is \"off\" only the admin socket tells: --server unix:PATH"
        }
        _ => "",
    };
    let colon = if said.is_empty() { "" } else { ": " };
    format!("it answers {status}{colon}{}{todo}", escape(&said))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => f.write_str(&redact_place(url.as_str())),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_or_a_socket() {
        for socket in ["unix:/run/restock/admin.sock", "unix:///run/restock/admin.sock"] {
            let path = "/run/restock/admin.sock".into();
            assert_eq!(Place::read(socket).unwrap(), Place::Socket(path));
        }
        for url in ["http://127.0.0.1:9847", "https://restock.example.com/behind/a/proxy/"] {
            assert!(matches!(Place::read(url), Ok(Place::Http(_))), "{url}");
        }
        for wrong in [
            "",
            "127.0.0.1:9847",
            "localhost:9847",
            "ftp://h/",
            "http://",
            "http://u@h/",
            "http://u:CANARY@h/",
            "http://h/?CANARY",
        ] {
            let error = Place::read(wrong).unwrap_err();
            assert!(!error.message.contains("CANARY"), "{}", error.message);
            assert!(error.hint.contains("--server http://"), "{}", error.hint);
        }
    }
}
