//! The source port: where the bytes of an object can be had again.

mod address;
mod all;
mod answer;
mod apps;
mod body;
mod decode;
mod host_name;
mod http;
mod manifest;
mod options;
mod policy;
mod resolver;
mod retry;
mod route;
mod scripts;
mod silence;
mod transport;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::model::Digest;

pub use all::AllSources;
pub use apps::MaintainedApps;
pub use host_name::HostName;
pub use http::{HttpSource, SourceError};
pub use options::{HostOptions, Pace, SourceOptions};
pub use retry::next_delay;
pub use route::{Asked, Route};
pub use scripts::{Scripts, Texts};
pub use silence::Silence;

/// Which bytes of an encoded answer are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// As they came over the wire.
    AsSent,
    /// With the answer's Content-Encoding undone.
    Decoded,
}

/// A source that begins to answer.
pub struct Fetched {
    /// Length in bytes of the body as said, where it was; of the encoded body.
    pub length: Option<u64>,
    /// The source's tag of this version.
    pub etag: Option<String>,
    /// Whether the answer carries a Content-Encoding all the same.
    pub encoded: bool,
    /// Whether it says that it is a web page, which sites send in place of files.
    pub page: bool,
    /// The body. It ends in an error where fewer bytes came than were said, where more than the
    /// allowed size came, or where the source fell silent.
    pub body: BoxStream<'static, Result<Bytes, FetchError>>,
}

/// What a source says that it would send. Nothing of it is proven.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Length in bytes, where it was said and holds for the bytes themselves.
    pub length: Option<u64>,
    /// Whether it says that it is a web page.
    pub page: bool,
}

/// Why a source gave nothing. Messages hold redacted URLs only.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// 404 or 410: asking again is of no use.
    #[error("source answered {status}")]
    Gone {
        /// The HTTP status.
        status: u16,
    },
    /// It says by itself that it does not have the bytes of this digest: asking again is of no use.
    #[error("{0}")]
    Lacking(String),
    /// The policy allows no connection there.
    #[error("policy: {0}")]
    Policy(String),
    /// More bytes than allowed.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// May pass: time-out, reset, cut-off body, 408, 425, 429, 5xx.
    #[error("{message}")]
    Transient {
        /// What happened.
        message: String,
        /// How long the source asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// May pass as well, and nobody answered: no connection in time, nothing for too long, or less
    /// than a trickle.
    #[error("{message}")]
    Silent {
        /// The host that was silent, as [`Source::host`] spells it.
        host: String,
        /// What happened.
        message: String,
    },
    /// The answer is encoded in a way that cannot be undone here: only its bytes as sent are left.
    #[error("{0}")]
    Encoding(String),
    /// Will not pass by itself: 403, a redirect loop, a bad certificate.
    #[error("{0}")]
    Permanent(String),
}

/// Gives bytes again. A source is a text as [`crate::model::Sources`] spells them.
#[async_trait]
pub trait Source: Send + Sync {
    /// Whether the policy allows this source as written, without any network; the refusal
    /// completes "policy: …".
    fn permits(&self, source: &str) -> Result<(), String>;

    /// Makes one request for the bytes of a digest; the caller follows, retries, and proves what
    /// comes. At most `limit` bytes are handed on (of the decoded body, where that is wanted).
    async fn fetch_at(
        &self,
        route: Route,
        digest: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Asked<Fetched>, FetchError>;

    /// Makes one request whether the bytes of a digest would be given, and downloads none of them.
    async fn offer_at(&self, route: Route, digest: &Digest) -> Result<Asked<Offer>, FetchError>;

    /// The host that is asked next, as queues know it; `None` where there is none, or where nothing
    /// tells.
    fn host(&self, _route: &Route) -> Option<String> {
        None
    }

    /// How many may ask one host at once.
    fn per_host(&self) -> usize {
        usize::MAX
    }

    /// Asks a source for the bytes of a digest, and whoever it leads to.
    async fn fetch(
        &self,
        source: &str,
        digest: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Fetched, FetchError> {
        let mut route = Route::of(source);
        loop {
            match self.fetch_at(route, digest, decoding, limit).await? {
                Asked::Here(fetched) => return Ok(fetched),
                Asked::There(next) => route = next,
            }
        }
    }

    /// Asks a source whether it would give the bytes of a digest, and whoever it leads to.
    async fn offer(&self, source: &str, digest: &Digest) -> Result<Offer, FetchError> {
        let mut route = Route::of(source);
        loop {
            match self.offer_at(route, digest).await? {
                Asked::Here(offer) => return Ok(offer),
                Asked::There(next) => route = next,
            }
        }
    }
}
