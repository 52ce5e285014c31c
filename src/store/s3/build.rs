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
use super::options::{self, Settings};
use super::patience::Patience;
use super::values::{self, NO_CHECKSUM};
use super::writes::Checksums;
use crate::model::redact_place;
use crate::store::counters::Counters;
use crate::store::open::OpenError;
use crate::store::{OperationHook, OptionValue};

/// An attempt and two more. With `RETRY_TIME`, after which no new attempt starts, a dead endpoint
/// is known as such within seconds, and the next pass comes anyway.
const RETRIES: usize = 2;
const RETRY_TIME: Duration = Duration::from_secs(10);

/// Clients of one bucket, which differ in how often they try and in what a completed upload asks
/// for.
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
    /// What there is where the server refuses checksums.
    pub(super) checksums: Checksums,
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
    let mut settings = options::gather(options)?;
    // Kept from the client below, which would take it for the time that sending a part may take.
    let silence = settings.remove(&client(ClientConfigKey::ReadTimeout));
    let silence = silence.as_deref().and_then(values::time);
    let patience = silence.map_or_else(Patience::default, Patience::of);
    let plain = builder(&settings, bucket);
    let at = Where { endpoint: endpoint(&plain, bucket)?, bucket: bucket.to_owned() };
    let plain = with_named_credentials(plain)?;
    let checksum = checksum(&settings);
    let counters = Arc::new(Counters::new(hook));
    let inner = OneClient::default();
    let build = |builder: &AmazonS3Builder, completion| {
        let (inner, counters) = (inner.clone(), Arc::clone(&counters));
        let patience = patience.clone();
        let answers = Answers { inner, counters, completion, patience };
        builder.clone().with_http_connector(answers).build().map_err(refused)
    };
    let (builder, checksums) = match checksum {
        None => (plain, Checksums::default()),
        Some(checksum) => {
            let without = build(&plain, Completion::Overwrites)?;
            (plain.with_config(AmazonS3ConfigKey::Checksum, checksum), Checksums::or(without))
        }
    };
    // The other kind of delete takes many keys, and not every server knows it.
    let removing = builder.clone().with_retry(once()).with_disable_bulk_delete(true);
    Ok(Clients {
        reads: build(&builder, Completion::Overwrites)?,
        writes: build(&builder, Completion::Overwrites)?,
        creates: build(&builder, Completion::Creates)?,
        removes: build(&removing, Completion::Overwrites)?,
        offsets: !is_express(&builder),
        checksums,
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

/// What is set, over defaults that suit objects of many gigabytes; without checksums.
fn builder(settings: &Settings, bucket: &str) -> AmazonS3Builder {
    let patient =
        ClientOptions::new().with_timeout_disabled().with_connect_timeout(Duration::from_secs(5));
    let builder = AmazonS3Builder::new().with_client_options(patient);
    let settings = settings.iter().filter(|(key, _)| **key != AmazonS3ConfigKey::Checksum);
    let builder = settings.fold(builder, |builder, (key, value)| builder.with_config(*key, value));
    builder.with_bucket_name(bucket).with_retry(RetryConfig {
        max_retries: RETRIES,
        retry_timeout: RETRY_TIME,
        backoff: BackoffConfig::default(),
    })
}

/// The checksum to send beside uploads.
fn checksum(settings: &Settings) -> Option<String> {
    let named = settings.get(&AmazonS3ConfigKey::Checksum);
    let named = named.map_or_else(|| Checksum::SHA256.to_string(), Clone::clone);
    (!named.eq_ignore_ascii_case(NO_CHECKSUM)).then_some(named)
}

/// The endpoint as it may be printed, which is also a part of the store's identity. A bucket's
/// region is no part of it: bucket names are unique across AWS.
fn endpoint(builder: &AmazonS3Builder, bucket: &str) -> Result<String, OpenError> {
    let set = builder
        .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    let Some(endpoint) = set else {
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_default();
        // As a part of a host's name.
        if !values::is_url(&format!("https://{bucket}.s3.{region}.amazonaws.com/{bucket}")) {
            return Err(OpenError::configuration(format!(
                "store.url: `{bucket}` can be no bucket of Amazon's: a host's name cannot hold it"
            )));
        }
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        return Ok(format!("https://s3.amazonaws.com{china}"));
    };
    let allowed = get(builder, ClientConfigKey::AllowHttp).is_some_and(|v| is_yes(&v));
    if endpoint.starts_with("http://") && !allowed {
        return Err(OpenError::configuration(
            "aws_endpoint is an http: URL: set aws_allow_http = true in [store.options] if that \
             is meant",
        ));
    }
    Ok(redact_place(&endpoint).trim_end_matches('/').to_owned())
}

fn is_express(builder: &AmazonS3Builder) -> bool {
    builder.get_config_value(&AmazonS3ConfigKey::S3Express).is_some_and(|v| is_yes(&v))
}

/// As `object_store` reads a flag.
fn is_yes(value: &str) -> bool {
    ["1", "true", "on", "yes", "y"].contains(&value.to_ascii_lowercase().as_str())
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
