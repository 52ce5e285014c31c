//! `[store.options]` of an S3 store over the AWS variables: `object_store`'s own keys, each of them
//! known, with values that it can use.

use std::collections::{BTreeMap, HashMap};

use object_store::ClientConfigKey;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::values;
use crate::store::OptionValue;
use crate::store::open::{OpenError, near};

/// What is set, by key: clean, and looked at.
pub(super) type Settings = HashMap<AmazonS3ConfigKey, String>;

/// The keys that a misspelled one is compared with; `object_store` knows shorter forms as well.
const KEYS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_default_region",
    "aws_endpoint",
    "aws_endpoint_url",
    "aws_endpoint_url_s3",
    "aws_virtual_hosted_style_request",
    "aws_s3_express",
    "aws_imdsv1_fallback",
    "aws_metadata_endpoint",
    "aws_unsigned_payload",
    "aws_checksum_algorithm",
    "aws_container_credentials_relative_uri",
    "aws_container_credentials_full_uri",
    "aws_container_authorization_token_file",
    "aws_web_identity_token_file",
    "aws_role_arn",
    "aws_role_session_name",
    "aws_endpoint_url_sts",
    "aws_skip_signature",
    "aws_conditional_put",
    "aws_copy_if_not_exists",
    "aws_disable_tagging",
    "aws_disable_bulk_delete",
    "aws_request_payer",
    "aws_allow_http",
    "aws_server_side_encryption",
    "aws_sse_kms_key_id",
    "aws_sse_bucket_key_enabled",
    "aws_sse_customer_key_base64",
    "allow_invalid_certificates",
    "disable_system_certificates",
    "connect_timeout",
    "read_timeout",
    "timeout",
    "proxy_url",
    "proxy_ca_certificate",
    "proxy_excludes",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "randomize_addresses",
    "user_agent",
    "default_content_type",
];

/// Those of the client that nobody misspells.
const CLIENT_KEYS: &[ClientConfigKey] = &[
    ClientConfigKey::Http1Only,
    ClientConfigKey::Http2Only,
    ClientConfigKey::Http2KeepAliveInterval,
    ClientConfigKey::Http2KeepAliveTimeout,
    ClientConfigKey::Http2KeepAliveWhileIdle,
    ClientConfigKey::Http2MaxFrameSize,
];

/// What holds: the options over the environment. An unknown key is an error that names the near
/// one, a value that cannot be used one that names the key or the variable. An empty value sets
/// nothing, and takes back what the environment says.
pub(super) fn gather(options: &BTreeMap<String, OptionValue>) -> Result<Settings, OpenError> {
    let mut own = Settings::new();
    for (name, value) in options {
        let (key, text) = (parse_key(name)?, text(value));
        let value = values::clean(&text);
        values::judge(key, value).map_err(|problem| {
            OpenError::configuration(format!("`{name}` in [store.options] {problem}"))
        })?;
        own.insert(key, value.to_owned());
    }
    let mut settings = Settings::new();
    let (environment, plain) = (AmazonS3Builder::from_env(), AmazonS3Builder::new());
    for key in keys().filter(|key| !own.contains_key(key)) {
        let set = environment.get_config_value(&key);
        let Some(set) = set.filter(|set| plain.get_config_value(&key).as_ref() != Some(set)) else {
            continue;
        };
        let value = values::clean(&set);
        values::judge(key, value)
            .map_err(|problem| OpenError::configuration(format!("{} {problem}", variable(key))))?;
        settings.insert(key, value.to_owned());
    }
    settings.extend(own);
    settings.retain(|_, value| !value.is_empty());
    Ok(settings)
}

/// Whether a value may stand under this name in `[store.options]` of a bucket, or, in upper case,
/// in the environment; what is wrong with it, as a phrase that completes a sentence, if not.
pub fn judge(name: &str, value: &OptionValue) -> Result<(), String> {
    let key = named(name)?;
    let text = text(value);
    let value = values::clean(&text);
    values::judge(key, value).map_err(str::to_owned)
}

fn keys() -> impl Iterator<Item = AmazonS3ConfigKey> {
    let named = KEYS.iter().filter_map(|key| key.parse().ok());
    named.chain(CLIENT_KEYS.iter().map(|key| AmazonS3ConfigKey::Client(*key)))
}

/// The variable that most people set a key by.
fn variable(key: AmazonS3ConfigKey) -> String {
    let name = key.as_ref().to_ascii_uppercase();
    if name.starts_with("AWS_") { name } else { format!("AWS_{name}") }
}

fn parse_key(key: &str) -> Result<AmazonS3ConfigKey, OpenError> {
    named(key).map_err(|problem| {
        OpenError::configuration(format!("`{key}` in [store.options] {problem}"))
    })
}

/// The option of this name; what is wrong with it, as a phrase that completes a sentence, if none.
fn named(key: &str) -> Result<AmazonS3ConfigKey, String> {
    let parsed: AmazonS3ConfigKey = key.to_ascii_lowercase().parse().map_err(|_| {
        let near = near(key, KEYS).map(|near| format!("; is `{near}` meant?")).unwrap_or_default();
        format!("is no option of object_store's S3 client, such as aws_region{near}")
    })?;
    if parsed == AmazonS3ConfigKey::Bucket {
        return Err("names the bucket, which store.url does".to_owned());
    }
    Ok(parsed)
}

fn text(value: &OptionValue) -> String {
    match value {
        OptionValue::Flag(flag) => flag.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_suggested_is_known() {
        for key in KEYS {
            assert!(parse_key(key).is_ok(), "{key}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_near_one_told() {
        let error = parse_key("aws_endpiont").unwrap_err().to_string();
        assert!(error.contains("`aws_endpiont`") && error.contains("`aws_endpoint`"), "{error}");
    }
}
