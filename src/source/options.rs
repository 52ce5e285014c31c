//! What a configuration says of sources.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Size, Span};

/// Where Fleet's publisher serves the manifests, and where they are written (as of September 2026).
const MAINTAINED_APPS: [&str; 2] = [
    "https://maintained-apps.fleetdm.com/manifests",
    "https://raw.githubusercontent.com/fleetdm/fleet/refs/heads/main/ee/maintained-apps/outputs",
];

/// `[source]`: what may be asked for bytes, and how patiently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceOptions {
    /// Whether plain `http` is allowed; `https` only otherwise, unless a host below says so.
    pub allow_http: bool,
    /// Networks that a source may resolve to although they are not public.
    #[schemars(with = "Vec<String>")]
    pub allow_private: Vec<IpNet>,
    /// How long opening a connection may take.
    pub connect_timeout: Span,
    /// How long a source may be silent.
    pub read_timeout: Span,
    /// Redirects followed at most, each of them checked.
    pub max_redirects: u32,
    /// Networks that are never connected to, whatever else allows them.
    #[schemars(with = "Vec<String>")]
    pub deny: Vec<IpNet>,
    /// Hosts that may be asked, and no others; any where it is empty.
    pub allow_hosts: Vec<String>,
    /// How often one source is asked in one run.
    pub tries: u32,
    /// Downloads at once from one host.
    pub per_host: u32,
    /// What a source has to send in a second, over a minute; slower than this is a failure.
    pub slowest: Size,
    /// Where the manifests of Fleet-maintained apps lie, each tried in turn.
    pub maintained_apps: Vec<String>,
    /// What no configuration says.
    #[serde(skip)]
    pub pace: Pace,
    /// What holds for single hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<HostOptions>,
}

/// By which times sources are measured. A program that has no hours to wait sets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a redirect is taken to hold: hosts sign URLs for minutes.
    pub redirect_holds: Duration,
    /// The time of waiting over which a source's speed is measured; the allowed silence where that is
    /// longer. Time in which nobody asks for bytes (the store is slow) does not count.
    pub slow_window: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { redirect_holds: Duration::from_mins(1), slow_window: Duration::from_mins(1) }
    }
}

/// `[[source.host]]`: what holds for one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostOptions {
    /// The host name, or HOST:PORT. Without a port, `allow_http` holds for each of its ports, and the
    /// token goes to the scheme's own.
    pub name: String,
    /// Whether plain `http` is allowed there.
    #[serde(default)]
    pub allow_http: bool,
    /// A file with a bearer token, sent to this host and port only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_private: Vec::new(),
            connect_timeout: Span::seconds(10),
            read_timeout: Span::seconds(60),
            max_redirects: 10,
            deny: Vec::new(),
            allow_hosts: Vec::new(),
            tries: 3,
            per_host: 2,
            slowest: Size(10 << 10),
            pace: Pace::default(),
            maintained_apps: MAINTAINED_APPS.map(str::to_owned).to_vec(),
            host: Vec::new(),
        }
    }
}
