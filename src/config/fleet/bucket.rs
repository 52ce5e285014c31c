//! `FLEET_S3_SOFTWARE_INSTALLERS_…` as `[store]`, or the folder of a Fleet without a bucket.

use std::path::Path;

use url::{Host, Url};

use super::Fleet;
use super::join::clean_join;
use super::names::Group;
use crate::config::problem::Origin;

const BUCKET: &str = "FLEET_S3_SOFTWARE_INSTALLERS_BUCKET";
const PREFIX: &str = "FLEET_S3_SOFTWARE_INSTALLERS_PREFIX";
const REGION: &str = "FLEET_S3_SOFTWARE_INSTALLERS_REGION";
const ENDPOINT_URL: &str = "FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL";
const ACCESS_KEY_ID: &str = "FLEET_S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY";
const DISABLE_SSL: &str = "FLEET_S3_SOFTWARE_INSTALLERS_DISABLE_SSL";
const FORCE_S3_PATH_STYLE: &str = "FLEET_S3_SOFTWARE_INSTALLERS_FORCE_S3_PATH_STYLE";
const GCS_IAM_AUTH: &str = "FLEET_S3_SOFTWARE_INSTALLERS_GCS_IAM_AUTH";
const ROLE: [&str; 2] = [
    "FLEET_S3_SOFTWARE_INSTALLERS_STS_ASSUME_ROLE_ARN",
    "FLEET_S3_SOFTWARE_INSTALLERS_STS_EXTERNAL_ID",
];

/// Buckets of file carves, which have nothing to do with software; the second is its older name.
const CARVES: [&str; 2] = ["FLEET_S3_CARVES_BUCKET", "FLEET_S3_BUCKET"];

const STORE_DIR: &str = "FLEET_SOFTWARE_INSTALLER_STORE_DIR";
const ICON_DIR: &str = "FLEET_SOFTWARE_TITLE_ICON_STORE_DIR";

const GROUP: Group = Group {
    section: "store",
    prefix: "FLEET_S3_SOFTWARE_INSTALLERS_",
    read: &[
        "BUCKET",
        "PREFIX",
        "REGION",
        "ENDPOINT_URL",
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "DISABLE_SSL",
        "FORCE_S3_PATH_STYLE",
        "GCS_IAM_AUTH",
        "STS_ASSUME_ROLE_ARN",
        "STS_EXTERNAL_ID",
    ],
    // How Fleet's hosts download: restock asks the bucket itself.
    ignored: &[
        "CLOUDFRONT_URL",
        "CLOUDFRONT_URL_SIGNING_PUBLIC_KEY_ID",
        "CLOUDFRONT_URL_SIGNING_PRIVATE_KEY",
        "SIGNED_URL",
    ],
    others: None,
};

const URL: &str = "store.url";

pub(super) fn lay(fleet: &mut Fleet<'_>) {
    if fleet.is_overridden(URL) {
        return;
    }
    let (bucket, folder) = (fleet.word(BUCKET).map(str::to_owned), fleet.path(STORE_DIR));
    if bucket.is_none() && folder.is_none() && fleet.is_set(URL) {
        return;
    }
    fleet.refuse_strangers(&GROUP);
    match (bucket, folder) {
        (Some(bucket), _) => on_s3(fleet, &bucket),
        (None, Some(folder)) => in_folder(fleet, &folder),
        (None, None) => nowhere(fleet),
    }
}

fn on_s3(fleet: &mut Fleet<'_>, bucket: &str) {
    for variable in ROLE {
        if fleet.word(variable).is_some() {
            let advice = "asks for a role to be assumed, which restock cannot do: run restock \
                          where the usual AWS variables or the machine give it that role";
            fleet.refuse("store.options", variable, advice);
        }
    }
    let prefix = clean_join(fleet.word(PREFIX).unwrap_or_default());
    if prefix.starts_with('/') || prefix.split('/').any(|part| part == "..") {
        let advice = "begins with a slash, or leads out with `..`: Fleet's keys begin like that \
                      too, and restock would list other keys than it reads";
        fleet.refuse(URL, PREFIX, advice);
    }
    let slash = if prefix.is_empty() { "" } else { "/" };
    let origin = fleet.set_of(&[BUCKET, PREFIX]);
    fleet.set(&["store", "url"], format!("s3://{bucket}{slash}{prefix}"), origin);
    option(fleet, "aws_region", REGION);
    // Half a pair is none, and the usual AWS variables hold.
    if fleet.word(ACCESS_KEY_ID).is_some() && fleet.word(SECRET_ACCESS_KEY).is_some() {
        option(fleet, "aws_access_key_id", ACCESS_KEY_ID);
        option(fleet, "aws_secret_access_key", SECRET_ACCESS_KEY);
    }
    endpoint(fleet, bucket);
}

fn option(fleet: &mut Fleet<'_>, key: &str, variable: &str) {
    if let Some(value) = fleet.word(variable).map(str::to_owned) {
        fleet.set(&["store", "options", key], value, Origin::Fleet(variable.to_owned()));
    }
}

/// Where S3 is, if it is not Amazon's, and how a bucket is named there.
fn endpoint(fleet: &mut Fleet<'_>, bucket: &str) {
    const KEY: &str = "store.options.aws_endpoint";
    let plain = fleet.flag(KEY, DISABLE_SSL);
    let path_style = fleet.flag(KEY, FORCE_S3_PATH_STYLE);
    let iam_of_google = fleet.flag(KEY, GCS_IAM_AUTH);
    let given = fleet.word(ENDPOINT_URL).map(str::to_owned);
    let variable = if iam_of_google { GCS_IAM_AUTH } else { ENDPOINT_URL };
    if iam_of_google || given.as_ref().is_some_and(|url| url.contains("storage.googleapis.com")) {
        let advice = "names Google Cloud Storage, and gs: is not supported in this version: only \
                      s3: and folders are";
        return fleet.refuse(KEY, variable, advice);
    }
    let Some(given) = given else { return };
    let scheme = match (given.contains("://"), plain) {
        (true, _) => "",
        (false, true) => "http://",
        (false, false) => "https://",
    };
    let url = Url::parse(&format!("{scheme}{given}")).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url.filter(|url| url.username().is_empty() && url.password().is_none()) else {
        let advice = "is no URL with a scheme and a host, such as https://s3.example.com:9000";
        return fleet.refuse(KEY, ENDPOINT_URL, advice);
    };
    let origin = || Origin::Fleet(ENDPOINT_URL.to_owned());
    if url.scheme() == "http" {
        fleet.set(&["store", "options", "aws_allow_http"], true, origin());
    }
    let of_bucket = if path_style { None } else { host_of_bucket(&url, bucket) };
    if of_bucket.is_some() {
        let key = ["store", "options", "aws_virtual_hosted_style_request"];
        fleet.set(&key, true, origin());
    }
    let url = of_bucket.unwrap_or(url);
    let url = url.as_str().trim_end_matches('/').to_owned();
    fleet.set(&["store", "options", "aws_endpoint"], url, origin());
}

/// The endpoint with the bucket in its host's name, as S3's clients address a bucket unless they
/// are told to name it in the path; `None` where it makes no such name.
fn host_of_bucket(endpoint: &Url, bucket: &str) -> Option<Url> {
    let Some(Host::Domain(host)) = endpoint.host() else { return None };
    // A certificate for all buckets covers one label, and no dot.
    let dots = endpoint.scheme() == "http";
    let part_of_name =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (c == '.' && dots);
    if !bucket.chars().all(part_of_name) || bucket.starts_with('-') || bucket.ends_with('-') {
        return None;
    }
    let mut url = endpoint.clone();
    url.set_host(Some(&format!("{bucket}.{host}"))).ok()?;
    Some(url)
}

/// A Fleet without a bucket keeps files in a folder: software in one, icons in another.
fn in_folder(fleet: &mut Fleet<'_>, folder: &Path) {
    if fleet.path(ICON_DIR).is_some_and(|icons| icons != folder) {
        let advice = "is another folder than FLEET_SOFTWARE_INSTALLER_STORE_DIR, and restock takes \
                      one for both: let them be the same, or unset it for restock and look at \
                      `--collection software-installers` alone";
        fleet.refuse(URL, ICON_DIR, advice);
        return;
    }
    match Url::from_file_path(folder) {
        Ok(url) => {
            fleet.set(&["store", "url"], url.as_str(), Origin::Fleet(STORE_DIR.to_owned()));
        }
        Err(()) => fleet.refuse(URL, STORE_DIR, "is no path of a folder"),
    }
}

fn nowhere(fleet: &mut Fleet<'_>) {
    let carves = CARVES.into_iter().find(|variable| fleet.word(variable).is_some());
    let carves = carves.map(|variable| format!(" ({variable} is for file carves alone)"));
    let advice = format!(
        "is not set{}, nor is FLEET_SOFTWARE_INSTALLER_STORE_DIR: such a Fleet keeps software in \
         the temporary folder of its own machine or container, which the next restart may empty. \
         Give Fleet a bucket; or name the folder, seen from here, in RESTOCK_STORE__URL",
        carves.unwrap_or_default()
    );
    fleet.refuse(URL, BUCKET, advice);
}
