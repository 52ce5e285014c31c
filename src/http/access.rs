//! [`Access`]: who may ask what, decided before any handler runs.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use tokio::time::Instant;

use super::answer::{Answer, Problem, error};
use super::hosts::Hosts;
use super::panel::Served;
use super::token::{Guesses, Token, TokenError};
use super::{ApiAccess, HttpOptions};

/// By which browsers say who asks, and what for.
const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";
const FETCH_DEST: &str = "sec-fetch-dest";

/// Who may ask what.
#[derive(Debug, Clone)]
pub struct Access {
    api: ApiAccess,
    hosts: Hosts,
    token: Option<Token>,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    /// Over TCP: an address, or the network of one.
    Address(IpAddr),
    /// Over the admin socket, which only its owner may open.
    Socket,
}

impl Peer {
    /// Who asks from this address. One machine has a whole network of IPv6 addresses.
    pub(super) fn of(address: IpAddr) -> Self {
        const HOST_BITS: u32 = 64;
        Self::Address(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS))
            }
        })
    }
}

impl Access {
    /// As configured; the token is read.
    pub fn new(options: &HttpOptions) -> Result<Self, TokenError> {
        let token = options.admin_token_file.as_deref().map(Token::read).transpose()?;
        Ok(Self { api: options.api, hosts: Hosts::new(&options.allowed_hosts), token })
    }
}

/// Why a request is not answered.
enum Refusal {
    /// There is no such route, for this one.
    Hidden,
    /// Another host was asked.
    Host,
    /// A page elsewhere asks.
    Origin,
    /// There is no token.
    NoToken,
    /// It is another one.
    WrongToken,
    /// There were too many wrong ones.
    TooMany,
    /// An admin request that is no JSON: one that a form of any page could send.
    ContentType,
}

/// Lets a request to page, API or admin routes pass, or answers it.
pub(super) async fn guard(
    State(served): State<Arc<Served>>,
    peer: axum::Extension<Peer>,
    request: Request,
    next: Next,
) -> Answer {
    let admin = !matches!(*request.method(), Method::GET | Method::HEAD);
    match judge(&served, peer.0, &request, admin) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.answer(admin),
    }
}

fn judge(served: &Served, peer: Peer, request: &Request, admin: bool) -> Result<(), Refusal> {
    let (access, headers) = (&served.panel.access, request.headers());
    if !Hosts::is_own_origin(headers) || is_from_elsewhere(headers, admin) {
        return Err(Refusal::Origin);
    }
    if let Peer::Address(address) = peer {
        let hidden = if admin { access.token.is_none() } else { access.api == ApiAccess::Off };
        if hidden {
            return Err(Refusal::Hidden);
        }
        if !access.hosts.admit(request.uri(), headers) {
            return Err(Refusal::Host);
        }
        if admin || access.api == ApiAccess::Token {
            authenticate(access.token.as_ref(), &served.guesses, address, headers)?;
        }
    }
    if admin && !is_json(headers) {
        return Err(Refusal::ContentType);
    }
    Ok(())
}

/// Whether a browser says that a page elsewhere asks. Somebody who follows a link to the page is
/// no such page.
fn is_from_elsewhere(headers: &HeaderMap, admin: bool) -> bool {
    let says = |name, words: &[&str]| {
        let mut said = headers.get_all(name).iter().peekable();
        said.peek().is_some() && said.all(|said| words.iter().any(|word| said == *word))
    };
    if !headers.contains_key(FETCH_SITE) || says(FETCH_SITE, &["same-origin", "none"]) {
        return false;
    }
    admin || !says(FETCH_MODE, &["navigate"]) || !says(FETCH_DEST, &["document"])
}

fn authenticate(
    token: Option<&Token>,
    guesses: &Guesses,
    address: IpAddr,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else { return Err(Refusal::NoToken) };
    let now = Instant::now();
    if !guesses.may_try(address, now) {
        return Err(Refusal::TooMany);
    }
    if token.zip(bearer(given)).is_some_and(|(token, given)| token.is(given)) {
        return Ok(());
    }
    guesses.was_wrong(address, now);
    Err(Refusal::WrongToken)
}

fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

impl Refusal {
    const fn said(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Hidden => (StatusCode::NOT_FOUND, "there is no such route"),
            Self::Host => (
                StatusCode::FORBIDDEN,
                "this host name is not among http.allowed_hosts in the configuration: ask by it, \
                 or by a literal address of loopback",
            ),
            Self::Origin => (StatusCode::FORBIDDEN, "a page elsewhere may not ask this"),
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                "a bearer token is needed: the one in http.admin_token_file",
            ),
            Self::WrongToken => (StatusCode::UNAUTHORIZED, "this is not the token"),
            Self::TooMany => {
                (StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens: wait before the next one")
            }
            Self::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send it with `Content-Type: application/json`, also without a body",
            ),
        }
    }

    fn answer(&self, admin: bool) -> Answer {
        let (status, why) = self.said();
        let mut answer = if admin { Problem::new(status, why).into() } else { error(status, why) };
        match self {
            Self::NoToken | Self::WrongToken => {
                let scheme = HeaderValue::from_static("Bearer realm=\"restock\"");
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            Self::TooMany => {
                let seconds = HeaderValue::from(Guesses::wait().as_secs());
                answer.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            Self::Hidden | Self::Host | Self::Origin | Self::ContentType => {}
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_addresses_is_one_peer() {
        let peer = |address: &str| Peer::of(address.parse().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1:2:3"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    }
}
