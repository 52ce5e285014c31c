//! From `[store]` to clients: the user's options over the environment over defaults of this job.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, RetryConfig};

use super::answers::{Answers, Completion};
use super::credentials::Credentials;
use super::faults::Where;
use super::options::{self, Options};
use crate::model::redact_place;
use crate::store::counters::Counters;
use crate::store::open::OpenError;
use crate::store::{OperationHook, OptionValue};

/// Silence after which a listing, probe or read counts as failed.
const READ_TIME: &str = "30s";
/// The same for writes, where it includes sending the part: 28 KiB a second are enough. Servers
/// also answer a completion or a copy only once it is done.
const WRITE_TIME: &str = "5m";
/// An attempt and two more. With `RETRY_TIME`, after which no new attempt starts, a dead endpoint
/// is known as such within seconds, and the next pass comes anyway.
const RETRIES: usize = 2;
const RETRY_TIME: Duration = Duration::from_secs(10);

/// What can be set through the environment and has to be carried over, since the total time-out
/// can only be taken off before.
const CLIENT_KEYS: &[ClientConfigKey] = &[
    ClientConfigKey::AllowHttp,
    ClientConfigKey::AllowInvalidCertificates,
    ClientConfigKey::NoSystemCertificates,
    ClientConfigKey::ConnectTimeout,
    ClientConfigKey::DefaultContentType,
    ClientConfigKey::Http1Only,
    ClientConfigKey::Http2Only,
    ClientConfigKey::Http2KeepAliveInterval,
    ClientConfigKey::Http2KeepAliveTimeout,
    ClientConfigKey::Http2KeepAliveWhileIdle,
    ClientConfigKey::Http2MaxFrameSize,
    ClientConfigKey::PoolIdleTimeout,
    ClientConfigKey::PoolMaxIdlePerHost,
    ClientConfigKey::ProxyUrl,
    ClientConfigKey::ProxyCaCertificate,
    ClientConfigKey::ProxyExcludes,
    ClientConfigKey::RandomizeAddresses,
    ClientConfigKey::ReadTimeout,
    ClientConfigKey::Timeout,
    ClientConfigKey::UserAgent,
];

/// Clients of one bucket, which differ in patience and in what a completed upload asks for.
#[derive(Debug)]
pub(super) struct Clients {
    /// Listings, probes, reads.
    pub(super) reads: AmazonS3,
    /// Writes that replace.
    pub(super) writes: AmazonS3,
    /// Writes that must not replace.
    pub(super) creates: AmazonS3,
    /// Deletes of one object, each sent once.
    pub(super) removes: AmazonS3,
    pub(super) counters: Arc<Counters>,
    pub(super) at: Where,
    /// Whether a listing may be asked to start after a key; directory buckets refuse that.
    pub(super) offsets: bool,
}

/// Makes the clients; nothing is sent yet.
pub(super) fn clients(
    bucket: &str,
    options: &BTreeMap<String, OptionValue>,
    hook: OperationHook,
) -> Result<Clients, OpenError> {
    let options = options::parse(options)?;
    let builder =
        with_options(environment(), &options).with_bucket_name(bucket).with_retry(RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIME,
            backoff: BackoffConfig::default(),
        });
    let at = Where { endpoint: endpoint(&builder)?, bucket: bucket.to_owned() };
    let builder = with_named_credentials(builder)?;
    let counters = Arc::new(Counters::new(hook));
    let build = |builder: &AmazonS3Builder, patience: &str, inner: OneClient, completion| {
        let mut builder = builder.clone();
        if get(&builder, ClientConfigKey::ReadTimeout).is_none() {
            builder = builder.with_config(client(ClientConfigKey::ReadTimeout), patience);
        }
        let answers = Answers { inner, counters: Arc::clone(&counters), completion };
        builder.with_http_connector(answers).build().map_err(refused)
    };
    let writer = OneClient::default();
    // The other kind of delete takes many keys, and not every server knows it.
    let removing = builder.clone().with_retry(once()).with_disable_bulk_delete(true);
    Ok(Clients {
        reads: build(&builder, READ_TIME, OneClient::default(), Completion::Overwrites)?,
        writes: build(&builder, WRITE_TIME, writer.clone(), Completion::Overwrites)?,
        creates: build(&builder, WRITE_TIME, writer.clone(), Completion::Creates)?,
        removes: build(&removing, WRITE_TIME, writer, Completion::Overwrites)?,
        offsets: !is_express(&builder),
        counters: Arc::clone(&counters),
        at,
    })
}

/// No second attempt: after a lost answer it might meet what somebody wrote in between.
pub(super) fn once() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// Connects once, however often it is asked: clients that differ only above share connections, and
/// reading the machine's certificates takes its time.
#[derive(Debug, Clone, Default)]
struct OneClient(Arc<Mutex<Option<HttpClient>>>);

impl HttpConnector for OneClient {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.as_ref() {
            return Ok(client.clone());
        }
        let client = ReqwestConnector::default().connect(options)?;
        *made = Some(client.clone());
        Ok(client)
    }
}

/// Puts a provider in place whose errors can be told from the store's. Keys that are written down
/// need none: they are there.
fn with_named_credentials(builder: AmazonS3Builder) -> Result<AmazonS3Builder, OpenError> {
    if builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_some() {
        return Ok(builder);
    }
    let bare = builder.clone().build().map_err(refused)?;
    Ok(builder.with_credentials(Arc::new(Credentials::new(Arc::clone(bare.credentials())))))
}

/// The environment's settings (`AWS_…`), over defaults that suit objects of many gigabytes.
fn environment() -> AmazonS3Builder {
    let (environment, plain) = (AmazonS3Builder::from_env(), AmazonS3Builder::new());
    let defaults =
        ClientOptions::new().with_timeout_disabled().with_connect_timeout(Duration::from_secs(5));
    let client_options =
        CLIENT_KEYS.iter().fold(defaults, |options, key| match get(&environment, *key) {
            Some(value) if get(&plain, *key).as_ref() != Some(&value) => {
                options.with_config(*key, value)
            }
            _ => options,
        });
    let unset = environment.get_config_value(&AmazonS3ConfigKey::Checksum).is_none();
    let builder = environment.with_client_options(client_options);
    if unset { builder.with_checksum_algorithm(Checksum::SHA256) } else { builder }
}

fn with_options(builder: AmazonS3Builder, options: &Options) -> AmazonS3Builder {
    options.iter().fold(builder, |builder, (key, value)| builder.with_config(*key, value))
}

/// The endpoint as it may be printed, which is also a part of the store's identity. A bucket's
/// region is no part of it: bucket names are unique across AWS.
fn endpoint(builder: &AmazonS3Builder) -> Result<String, OpenError> {
    let set = builder
        .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    let Some(endpoint) = set else {
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_default();
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        return Ok(format!("https://s3.amazonaws.com{china}"));
    };
    let allowed = get(builder, ClientConfigKey::AllowHttp).is_some_and(|v| v == "true");
    if endpoint.starts_with("http://") && !allowed {
        return Err(OpenError::configuration(
            "aws_endpoint is an http: URL: set aws_allow_http = true in [store.options] if that \
             is meant",
        ));
    }
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        return Err(OpenError::configuration(
            "aws_endpoint in [store.options] is no https: or http: URL",
        ));
    }
    Ok(redact_place(&endpoint).trim_end_matches('/').to_owned())
}

fn is_express(builder: &AmazonS3Builder) -> bool {
    builder.get_config_value(&AmazonS3ConfigKey::S3Express).is_some_and(|v| v == "true")
}

fn client(key: ClientConfigKey) -> AmazonS3ConfigKey {
    AmazonS3ConfigKey::Client(key)
}

fn get(builder: &AmazonS3Builder, key: ClientConfigKey) -> Option<String> {
    builder.get_config_value(&client(key))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn refused(error: object_store::Error) -> OpenError {
    OpenError::configuration(format!("[store.options] cannot be used: {error}"))
}
