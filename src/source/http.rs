//! The HTTP(S) source: asks for a URL once, under the policy, and tells where a redirect leads.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, ETAG, RANGE};
use http::{Method, StatusCode};
use reqwest::{Client, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use url::Url;

use super::answer::{Encoding, Head, encoding, is_page, judge, text_of, whole_length};
use super::body::{Download, Patience, guard};
use super::decode::{decoded, encoded_limit};
use super::policy::{Policy, too_long};
use super::resolver::PolicyResolver;
use super::transport::{cause_of, no_answer};
use super::{Asked, Decoding, FetchError, Fetched, HostName, Offer, Route, Source, SourceOptions};
use crate::model::{Digest, URL_BYTES, redact_url, redact_urls_in};

/// How much of an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// All of it.
    Body,
    /// Its head alone.
    Head,
    /// Its head, from servers that give none without a body.
    FirstByte,
}

/// An answer that begins.
struct Answered {
    url: Url,
    response: Response,
    /// Its place in the queue of its host.
    permit: OwnedSemaphorePermit,
}

/// A client of HTTP(S) sources.
pub struct HttpSource {
    client: Client,
    policy: Arc<Policy>,
    /// `Authorization` of hosts.
    tokens: HashMap<HostName, HeaderValue>,
    /// The queue in front of each host.
    queues: Mutex<HashMap<String, Arc<Semaphore>>>,
    per_host: usize,
    patience: Patience,
    max_redirects: usize,
    redirect_holds: Duration,
}

/// Why a source could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A host of `[source]` that is none.
    #[error("`{name}` in [source] is no host: write HOST or HOST:PORT, without scheme and path")]
    Host {
        /// As configured.
        name: String,
    },
    /// A token file that cannot be read.
    #[error("cannot read {}, the bearer token file of {host}", path.display())]
    TokenFile {
        /// The host that the token is for.
        host: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A token file whose text is no token.
    #[error("{} is to hold the bearer token of {host}: one line of visible ASCII", path.display())]
    Token {
        /// The host that the token is for.
        host: String,
        /// The file.
        path: PathBuf,
    },
    /// The HTTP client could not be built, usually for want of certificates.
    #[error(
        "cannot set up HTTPS; are the system's CA certificates installed (or SSL_CERT_FILE set)?"
    )]
    Client(#[source] reqwest::Error),
}

impl HttpSource {
    /// A client as configured. Reads the bearer token files; opens no connection.
    pub fn new(options: &SourceOptions) -> Result<Self, SourceError> {
        let tokens = read_tokens(options)?;
        let policy = Arc::new(Policy::new(options));
        let client = Client::builder()
            .user_agent(concat!("restock/", env!("CARGO_PKG_VERSION")))
            // A proxy would connect where no policy of ours is asked.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(PolicyResolver(Arc::clone(&policy))))
            .connect_timeout(options.connect_timeout.0)
            .build()
            .map_err(SourceError::Client)?;
        Ok(Self {
            client,
            policy,
            tokens,
            queues: Mutex::default(),
            per_host: usize::try_from(options.per_host.max(1)).unwrap_or(1),
            patience: Patience {
                silence: options.read_timeout.0,
                slowest: options.slowest.0,
                slow_window: options.pace.slow_window,
            },
            max_redirects: usize::try_from(options.max_redirects).unwrap_or(usize::MAX),
            redirect_holds: options.pace.redirect_holds,
        })
    }

    /// What came instead of an answer of this host in time.
    fn silence(&self, url: &Url, shown: &str) -> FetchError {
        let silence = humantime::format_duration(self.patience.silence);
        FetchError::Silent {
            host: host_of(url),
            message: format!("{shown}: silent for {silence}, no answer (source.read_timeout)"),
        }
    }

    /// Asks once, without following a redirect.
    async fn ask(&self, url: &Url, want: Want) -> Result<Response, FetchError> {
        let shown = redact_url(url.as_str());
        let method = if want == Want::Head { Method::HEAD } else { Method::GET };
        let bare = bare_for(url, self.token_for(url).is_some());
        let mut request = self.client.request(method, bare).header(ACCEPT_ENCODING, "identity");
        if want == Want::FirstByte {
            request = request.header(RANGE, "bytes=0-0");
        }
        if let Some(token) = self.token_for(url) {
            request = request.header(AUTHORIZATION, token);
        }
        let Ok(answer) = timeout(self.patience.silence, request.send()).await else {
            return Err(self.silence(url, &shown));
        };
        answer.map_err(|error| no_answer(error, &shown, &host_of(url)))
    }

    /// The token of exactly this host and port, or of the host where the port is the scheme's own;
    /// in plain text only where the host's own entry allows that.
    fn token_for(&self, url: &Url) -> Option<HeaderValue> {
        let asked = HostName::of(url)?;
        let guarded = url.scheme() == "https" || self.policy.allows_http_by_name(&asked);
        // A URL has no port where it is that of its scheme.
        let of_host = || url.port().is_none().then(|| self.tokens.get(&asked.without_port()));
        let token = self.tokens.get(&asked).or_else(|| of_host().flatten());
        token.filter(|_| guarded).cloned()
    }

    /// Waits for a place among the downloads of this URL's host.
    async fn queue(&self, url: &Url) -> Result<OwnedSemaphorePermit, FetchError> {
        let host = host_of(url);
        let queue = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(self.per_host));
            Arc::clone(queues.entry(host).or_insert_with(new))
        };
        queue
            .acquire_owned()
            .await
            .map_err(|closed| FetchError::Permanent(format!("queue of the host: {closed}")))
    }

    /// Makes the request that is next on a route: an answer of what is wanted, or where it leads.
    /// It holds a place in the queue of its host. Each hop passes the policy.
    async fn step(&self, route: Route, want: Want) -> Result<Asked<Answered>, FetchError> {
        let url = next_of(&route).map_err(FetchError::Policy)?;
        self.policy.check_url(&url).map_err(FetchError::Policy)?;
        let permit = self.queue(&url).await?;
        let response = self.ask(&url, want).await?;
        match (want, response.status()) {
            (Want::FirstByte, StatusCode::PARTIAL_CONTENT) => {
                return Ok(Asked::Here(Answered { url, response, permit }));
            }
            // Of a request for a body this may pass; of this one it will not.
            (Want::Head, status @ StatusCode::NOT_IMPLEMENTED) => {
                let shown = redact_url(url.as_str());
                return Err(FetchError::Permanent(format!("{shown} answered HEAD {status}")));
            }
            (Want::Body | Want::Head | Want::FirstByte, _) => {}
        }
        let Head::Redirect(next) = judge(&url, response.status(), response.headers())? else {
            return Ok(Asked::Here(Answered { url, response, permit }));
        };
        self.check_hop(route.hops(), &url, &next)?;
        Ok(Asked::There(route.to(url, next, self.redirect_holds)))
    }

    /// Whether a redirect from `url` may be followed, after these URLs.
    fn check_hop(&self, seen: &[Url], url: &Url, next: &Url) -> Result<(), FetchError> {
        let shown = redact_url(next.as_str());
        self.policy
            .check_url(next)
            .map_err(|refusal| FetchError::Policy(format!("redirect to {shown}: {refusal}")))?;
        if next == url || seen.contains(next) {
            let from = redact_url(url.as_str());
            let message = format!("redirect loop: {from} leads back to {shown}");
            return Err(FetchError::Permanent(message));
        }
        if seen.len().max(1) > self.max_redirects {
            return Err(FetchError::Permanent(format!(
                "more than {} redirects (source.max_redirects), the last to {shown}",
                self.max_redirects,
            )));
        }
        Ok(())
    }
}

#[async_trait]
impl Source for HttpSource {
    fn permits(&self, url: &str) -> Result<(), String> {
        self.policy.check_url(&parse(url)?)
    }

    async fn fetch_at(
        &self,
        route: Route,
        _: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Asked<Fetched>, FetchError> {
        match self.step(route, Want::Body).await? {
            Asked::Here(answered) => {
                answer_of(answered, self.patience, decoding, limit).map(Asked::Here)
            }
            Asked::There(next) => Ok(Asked::There(next)),
        }
    }

    async fn offer_at(&self, route: Route, _: &Digest) -> Result<Asked<Offer>, FetchError> {
        let want = if route.is_by_first_byte() { Want::FirstByte } else { Want::Head };
        let first = route.clone();
        match self.step(route, want).await {
            Ok(Asked::Here(Answered { response, .. })) => {
                let headers = response.headers();
                let plain = encoding(headers) == Encoding::Identity;
                let length = whole_length(response.status(), headers).filter(|_| plain);
                Ok(Asked::Here(Offer { length, page: is_page(headers) }))
            }
            Ok(Asked::There(next)) => Ok(Asked::There(next)),
            // Some servers know no HEAD, sign URLs for GET alone, or answer it with 404.
            Err(FetchError::Gone { .. } | FetchError::Permanent(_)) if want == Want::Head => {
                Ok(Asked::There(first.again_by_first_byte()))
            }
            Err(error) => Err(error),
        }
    }

    fn host(&self, route: &Route) -> Option<String> {
        let host = host_of(&next_of(route).ok()?);
        Some(host).filter(|host| !host.is_empty())
    }

    fn per_host(&self) -> usize {
        self.per_host
    }
}

/// An answer whose whole body follows, as the port hands it on.
fn answer_of(
    Answered { url, response, permit }: Answered,
    patience: Patience,
    decoding: Decoding,
    limit: u64,
) -> Result<Fetched, FetchError> {
    let shown = redact_url(url.as_str());
    let length = response.content_length();
    let page = is_page(response.headers());
    let etag = text_of(response.headers(), ETAG);
    let encoding = encoding(response.headers());
    let is_undone = decoding == Decoding::Decoded && encoding != Encoding::Identity;
    let wire_limit = if is_undone { encoded_limit(limit) } else { limit };
    if length.is_some_and(|length| length > wire_limit) {
        return Err(FetchError::TooLarge { limit });
    }
    let chunks =
        response.bytes_stream().map(|chunk| chunk.map_err(|error| cause_of(&error.without_url())));
    let sent = guard(Download {
        chunks: chunks.boxed(),
        shown: shown.clone(),
        said: length,
        limit: wire_limit,
        patience,
        host: host_of(&url),
        permit: Some(permit),
    });
    let body = if is_undone { decoded(&encoding, shown, sent, limit)? } else { sent };
    Ok(Fetched { length, etag, encoded: encoding != Encoding::Identity, page, body })
}

/// The URL that is asked next.
fn next_of(route: &Route) -> Result<Url, String> {
    route.hops().last().map_or_else(|| parse(route.written()), |url| Ok(url.clone()))
}

fn parse(url: &str) -> Result<Url, String> {
    if url.len() > URL_BYTES {
        return Err(too_long(url.len()));
    }
    let mut parsed =
        Url::parse(url).map_err(|error| format!("`{}` is no URL: {error}", redact_url(url)))?;
    parsed.set_fragment(None);
    Ok(parsed)
}

/// The URL as it is asked: its user info becomes Basic authorization, unless a token replaces it.
fn bare_for(url: &Url, has_token: bool) -> Url {
    let mut bare = url.clone();
    if has_token && (bare.set_username("").is_err() || bare.set_password(None).is_err()) {
        // Only URLs without a host refuse, and those have no token.
        return url.clone();
    }
    bare
}

fn host_named(name: &str) -> Result<HostName, SourceError> {
    HostName::parse(name).ok_or_else(|| SourceError::Host { name: redact_urls_in(name) })
}

/// The host of a URL as queues know it: all ports of a host are one machine.
fn host_of(url: &Url) -> String {
    HostName::of(url).map_or_else(String::new, |name| name.host().to_owned())
}

fn read_tokens(options: &SourceOptions) -> Result<HashMap<HostName, HeaderValue>, SourceError> {
    options.allow_hosts.iter().try_for_each(|name| host_named(name).map(|_| ()))?;
    let mut tokens = HashMap::new();
    for entry in &options.host {
        let name = host_named(&entry.name)?;
        let Some(path) = entry.bearer_token_file.clone() else { continue };
        let host = entry.name.clone();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(SourceError::TokenFile { host, path, source }),
        };
        let token = text.trim();
        let is_visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        match HeaderValue::from_str(&format!("Bearer {token}")) {
            Ok(mut value) if is_visible => {
                value.set_sensitive(true);
                tokens.insert(name, value);
            }
            _ => return Err(SourceError::Token { host, path }),
        }
    }
    Ok(tokens)
}
