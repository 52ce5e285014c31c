//! What a configuration says of HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[http]`: where a daemon answers, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpOptions {
    /// The address and port that it listens on; "" for none.
    pub listen: String,
    /// Names by which its page, API and admin routes may be asked, besides literal loopback.
    pub allowed_hosts: Vec<String>,
    /// Who may see the page and the API.
    pub api: ApiAccess,
    /// A file with the bearer token that admin routes ask for. Without it they exist on the admin
    /// socket only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_token_file: Option<PathBuf>,
    /// A Unix socket on which everything may be asked by whoever may open it: the user that
    /// restock runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_socket: Option<PathBuf>,
}

/// Who may see the page and the API on `listen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiAccess {
    /// Everybody who can reach it.
    #[default]
    Open,
    /// Who has the admin token.
    Token,
    /// Nobody.
    Off,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9847".to_owned(),
            allowed_hosts: Vec::new(),
            api: ApiAccess::Open,
            admin_token_file: None,
            admin_socket: None,
        }
    }
}

impl HttpOptions {
    /// The address to listen on; `None` for none. What is wrong with it, if it is no address.
    pub fn address(&self) -> Result<Option<SocketAddr>, String> {
        if self.listen.is_empty() {
            return Ok(None);
        }
        let parsed = self.listen.parse().map(Some);
        parsed.map_err(|_| {
            "is no address and port, such as 127.0.0.1:9847, [::1]:9847 or 0.0.0.0:9847".to_owned()
        })
    }

    /// Whether a name may stand in `allowed_hosts`; what is wrong with it, if not.
    pub fn judge_host(name: &str) -> Result<(), String> {
        match url::Host::parse(name) {
            Ok(host) if host.to_string().eq_ignore_ascii_case(name) => Ok(()),
            Ok(_) | Err(_) => {
                Err("is no host name: write it without scheme, port and path".to_owned())
            }
        }
    }
}
