//! What a value of `[store.options]` or of an AWS variable may be. `object_store` puts some of them
//! into headers and URLs with a panic where that cannot be done, so each is looked at before.

use std::time::Duration;

use http::{HeaderValue, Uri};
use object_store::ClientConfigKey as Client;
use object_store::aws::{AmazonS3ConfigKey as Key, Checksum};
use url::Url;

use crate::model::Span;

/// What `aws_checksum_algorithm` says where no checksum is wanted.
pub(super) const NO_CHECKSUM: &str = "none";

/// What a key takes.
enum Kind {
    /// Part of a signature's header: visible characters without a space.
    Credential,
    /// A name that also becomes part of a host's.
    Region,
    Url,
    /// What follows the host of a URL.
    UrlPath,
    Header,
    Flag,
    Time,
    Count,
    Checksum,
    /// Certificates, in several lines.
    Lines,
    /// One line.
    Text,
}

/// A value without the white space around it, which files and Secrets leave there.
pub(super) fn clean(value: &str) -> &str {
    value.trim()
}

/// What is wrong with a clean value, as a phrase that completes a sentence. Never says the value:
/// it may be a secret. An empty one sets nothing.
pub(super) fn judge(key: Key, value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Ok(());
    }
    let kind = kind(key);
    // Of a credential more is said below.
    let judged_below = matches!(kind, Kind::Credential | Kind::Lines);
    if !judged_below && value.contains(char::is_control) {
        return Err("holds a line break or another control character");
    }
    let (fits, otherwise) = match kind {
        Kind::Lines | Kind::Text => return Ok(()),
        Kind::Credential => (
            is_visible(value),
            "holds a line break, a space, or a character that no credential has",
        ),
        Kind::Region => {
            (value.chars().all(is_of_a_name), "is no region's name, such as eu-central-1")
        }
        Kind::Url => (is_url(value), "is no https: or http: URL, such as https://s3.example.com"),
        Kind::UrlPath => (
            is_url(&format!("http://127.0.0.1{value}")),
            "is no path of a URL, such as /v2/credentials",
        ),
        Kind::Header => (
            HeaderValue::from_str(value).is_ok(),
            "holds a character that no HTTP header can carry",
        ),
        Kind::Flag => (is_flag(value), "must be true or false"),
        Kind::Time => (time(value).is_some(), "is no duration such as 30s or 5m"),
        Kind::Count => (value.parse::<u32>().is_ok(), "is no whole number"),
        Kind::Checksum => {
            (is_checksum(value), "must be one of \"sha256\", \"crc64nvme\", \"none\"")
        }
    };
    if fits { Ok(()) } else { Err(otherwise) }
}

fn kind(key: Key) -> Kind {
    match key {
        Key::AccessKeyId | Key::Token => Kind::Credential,
        Key::Region | Key::DefaultRegion => Kind::Region,
        Key::Endpoint
        | Key::S3Endpoint
        | Key::StsEndpoint
        | Key::MetadataEndpoint
        | Key::ContainerCredentialsFullUri => Kind::Url,
        Key::ContainerCredentialsRelativeUri => Kind::UrlPath,
        Key::VirtualHostedStyleRequest
        | Key::S3Express
        | Key::ImdsV1Fallback
        | Key::UnsignedPayload
        | Key::SkipSignature
        | Key::DisableTagging
        | Key::DisableBulkDelete
        | Key::Client(
            Client::AllowHttp
            | Client::AllowInvalidCertificates
            | Client::NoSystemCertificates
            | Client::Http1Only
            | Client::Http2Only
            | Client::Http2KeepAliveWhileIdle
            | Client::RandomizeAddresses,
        ) => Kind::Flag,
        Key::Client(
            Client::ConnectTimeout
            | Client::ReadTimeout
            | Client::Timeout
            | Client::PoolIdleTimeout
            | Client::Http2KeepAliveInterval
            | Client::Http2KeepAliveTimeout,
        ) => Kind::Time,
        Key::Client(Client::PoolMaxIdlePerHost | Client::Http2MaxFrameSize) => Kind::Count,
        Key::Client(Client::UserAgent | Client::DefaultContentType)
        | Key::Encryption(_)
        | Key::RoleArn
        | Key::RoleSessionName => Kind::Header,
        Key::Client(Client::ProxyCaCertificate) => Kind::Lines,
        Key::Checksum => Kind::Checksum,
        Key::SecretAccessKey
        | Key::Bucket
        | Key::ContainerAuthorizationTokenFile
        | Key::WebIdentityTokenFile
        | Key::CopyIfNotExists
        | Key::ConditionalPut
        | Key::RequestPayer
        | Key::Client(_)
        | _ => Kind::Text,
    }
}

/// Whether a signature's header can hold it. A secret key is hashed, and may be of other characters.
pub(super) fn is_visible(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Whether both parsers that a request's URL goes through take it.
pub(super) fn is_url(value: &str) -> bool {
    let web = value.starts_with("http://") || value.starts_with("https://");
    let uri = value.parse::<Uri>().ok().map(|uri| uri.to_string());
    web && uri.is_some_and(|uri| Url::parse(&uri).is_ok_and(|url| url.has_host()))
}

/// As `object_store` reads them.
pub(super) fn is_flag(value: &str) -> bool {
    let words = ["1", "true", "on", "yes", "y", "0", "false", "off", "no", "n"];
    words.contains(&value.to_ascii_lowercase().as_str())
}

pub(super) fn time(value: &str) -> Option<Duration> {
    value.parse::<Span>().ok().map(|span| span.0)
}

fn is_checksum(value: &str) -> bool {
    value.eq_ignore_ascii_case(NO_CHECKSUM) || value.parse::<Checksum>().is_ok()
}
