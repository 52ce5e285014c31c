//! The resolver under the HTTP client: of what a name resolves to, only allowed addresses remain.
//!
//! The check stands where the connection takes its address from, so that a name which resolves to
//! another address the next time gains nothing by it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::policy::Policy;

/// Resolves by the system and filters by the policy.
pub(super) struct PolicyResolver(pub(super) Arc<Policy>);

/// A name that resolves to nothing that the policy allows.
#[derive(Debug)]
pub(super) struct Denied(pub(super) String);

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Denied {}

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed_of(&policy, name.as_str(), resolved)?;
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

/// The allowed ones of a name's addresses; the first refusal where none is.
fn allowed_of(
    policy: &Policy,
    name: &str,
    resolved: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Denied> {
    let mut allowed = Vec::new();
    let mut refusal = None;
    for address in resolved {
        match policy.check_address(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(text) => refusal = refusal.or(Some(text)),
        }
    }
    match refusal {
        Some(text) if allowed.is_empty() => Err(Denied(format!("{name}: {text}"))),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::SourceOptions;
    use super::*;

    fn allowed(addresses: &[&str]) -> Result<Vec<String>, String> {
        let policy = Policy::new(&SourceOptions::default());
        let resolved = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0));
        allowed_of(&policy, "h.example", resolved)
            .map(|left| left.iter().map(|address| address.ip().to_string()).collect())
            .map_err(|denied| denied.0)
    }

    #[test]
    fn a_name_with_public_and_private_addresses_keeps_the_public_ones() {
        let left = allowed(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]);
        assert_eq!(left, Ok(vec!["8.8.8.8".to_owned(), "2606:4700::1".to_owned()]));
    }

    #[test]
    fn a_name_with_private_addresses_alone_is_refused_by_name_and_address() {
        let refusal = allowed(&["10.0.0.1", "::1"]).unwrap_err();
        assert!(refusal.starts_with("h.example: address 10.0.0.1 is private"), "{refusal}");
        assert_eq!(allowed(&[]), Ok(Vec::new()));
    }
}
