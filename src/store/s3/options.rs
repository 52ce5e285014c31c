//! `[store.options]` of an S3 store: `object_store`'s own keys, each of them known.

use std::collections::BTreeMap;

use object_store::aws::AmazonS3ConfigKey;

use crate::store::OptionValue;
use crate::store::open::{OpenError, near};

/// Keys and values in the order in which they apply.
pub(super) type Options = Vec<(AmazonS3ConfigKey, String)>;

/// The keys that a misspelled one is compared with; `object_store` knows shorter forms as well.
const KEYS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_default_region",
    "aws_endpoint",
    "aws_endpoint_url",
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

/// Reads the options; an unknown key is an error that names the near one.
pub(super) fn parse(options: &BTreeMap<String, OptionValue>) -> Result<Options, OpenError> {
    options.iter().map(|(key, value)| Ok((parse_key(key)?, text(value)))).collect()
}

fn parse_key(key: &str) -> Result<AmazonS3ConfigKey, OpenError> {
    let parsed: AmazonS3ConfigKey = key.to_ascii_lowercase().parse().map_err(|_| {
        let near = near(key, KEYS).map(|near| format!("; is `{near}` meant?")).unwrap_or_default();
        OpenError::configuration(format!("unknown key `{key}` in [store.options]{near}"))
    })?;
    if parsed == AmazonS3ConfigKey::Bucket {
        return Err(OpenError::configuration(
            "the bucket is named by store.url, not in [store.options]",
        ));
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
