//! What the promise of `ARCHITECTURE.md` says of two logs: what restock asked of the store, and what
//! everybody else did to it. A function from both to complaints, so that the tests below can also
//! show that it complains.

use std::collections::HashMap;
use std::time::Duration;

use restock::model::Digest;
use tokio::time::Instant;

use crate::log::Deed;
use crate::object::COLLECTION;
use crate::proxy::Asked;

/// How old a probe may be.
const PROBE_AGE: Duration = Duration::from_secs(5);

/// Everything that restock must not have done.
pub(crate) fn complaints(asked: &[Asked], deeds: &[Deed]) -> Vec<String> {
    let mut asked = asked.to_vec();
    asked.sort_by_key(|one| one.began);
    let mut by_key: HashMap<&str, Vec<&Asked>> = HashMap::new();
    for one in &asked {
        by_key.entry(&one.key).or_default().push(one);
    }
    let listings: Vec<_> = asked.iter().filter(|one| is_listing(one)).collect();
    let mut complaints = Vec::new();
    for one in &asked {
        complaints.extend(forbidden(one));
        let Some(digest) = digest_of_key(&one.key) else { continue };
        if one.wrote.is_some_and(|wrote| wrote != digest) {
            complaints.push(told(one, "other bytes than the digest's"));
        }
        if took(one) {
            let of_key = &by_key[one.key.as_str()];
            complaints.extend(unfounded(one, digest, of_key, &listings));
            complaints.extend(needless(one, digest, of_key, deeds));
        }
    }
    complaints
}

/// How many objects restock put under a digest's key.
pub(crate) fn writes(asked: &[Asked]) -> u64 {
    asked.iter().filter(|one| digest_of_key(&one.key).is_some() && took(one)).map(|_| 1).sum()
}

/// The digest that a key of the collection is for.
fn digest_of_key(key: &str) -> Option<Digest> {
    key.strip_prefix(COLLECTION)?.strip_prefix('/')?.parse().ok()
}

/// Whether the server took what was written.
fn took(one: &Asked) -> bool {
    one.status == 200 && one.wrote.is_some()
}

/// Whether a pass begins here. Whether the store is there at all is asked by listings too, which are
/// of all of it.
fn is_listing(one: &Asked) -> bool {
    one.method == "GET" && one.key.is_empty() && one.query.contains(COLLECTION)
}

/// What no healing ever asks of a store.
fn forbidden(one: &Asked) -> Option<String> {
    let of_upload = one.query.contains("uploadId=");
    let set_aside = one.key.starts_with("restock-quarantine/");
    match one.method.as_str() {
        "GET" | "HEAD" => None,
        "DELETE" if of_upload => None,
        "PUT" if one.copied && set_aside => None,
        "PUT" | "POST" if !one.copied && digest_of_key(&one.key).is_some() => None,
        _ => Some(told(one, "it may not")),
    }
}

/// A write that no probe allows: it has to be young, and to have found the key absent, or a version
/// that the same pass had read and found wrong.
fn unfounded(
    one: &Asked,
    digest: Digest,
    of_key: &[&Asked],
    listings: &[&Asked],
) -> Option<String> {
    let probes = of_key.iter().filter(|probe| probe.method == "HEAD" && probe.ended <= one.began);
    let Some(probe) = probes.max_by_key(|probe| probe.ended) else {
        return Some(told(one, "no probe before it"));
    };
    if one.began - probe.ended > PROBE_AGE {
        return Some(told(one, "its probe is too old"));
    }
    if probe.status == 404 {
        return None;
    }
    let pass = listings.iter().rfind(|listing| listing.began < one.began)?.began;
    let was_read = of_key.iter().any(|read| {
        read.got.is_some_and(|got| got != digest)
            && read.etag == probe.etag
            && (pass..probe.began).contains(&read.began)
    });
    (!was_read).then(|| told(one, "its probe found a version that this pass had not read as wrong"))
}

/// A write to a key that was healthy all the time that restock looked at it, and until it wrote.
fn needless(one: &Asked, digest: Digest, of_key: &[&Asked], deeds: &[Deed]) -> Option<String> {
    let probes = of_key.iter().filter(|probe| probe.method == "HEAD" && probe.ended <= one.began);
    let looked = probes.map(|probe| probe.began).max().unwrap_or(one.began);
    let own = of_key.iter().filter(|other| took(other) && other.began < one.began);
    let own = own.map(|other| (other.wrote, other.began, Some(other.ended)));
    let theirs = deeds.iter().filter(|deed| deed.key == one.key && deed.began <= one.began);
    let theirs = theirs.map(|deed| (deed.wrote, deed.began, deed.ended));
    let all: Vec<_> = own.chain(theirs).collect();
    healthy(&all, digest, looked).then(|| told(one, "it was healthy when it was looked at"))
}

/// Whether a key certainly held its digest's bytes from `since` on, as far as the changes go.
fn healthy(
    changes: &[(Option<Digest>, Instant, Option<Instant>)],
    digest: Digest,
    since: Instant,
) -> bool {
    let settled = |(_, _, ended): &&(_, _, Option<Instant>)| ended.is_some_and(|at| at <= since);
    let Some(&(_, last, _)) = changes.iter().filter(settled).max_by_key(|change| change.1) else {
        return false;
    };
    // Those that were under way together with the last one may have come after it.
    let mut recent = changes.iter().filter(|(_, _, ended)| ended.is_none_or(|at| at >= last));
    recent.all(|(wrote, _, _)| *wrote == Some(digest))
}

fn told(one: &Asked, why: &str) -> String {
    let Asked { method, key, query, status, wrote, copied, .. } = one;
    format!("{method} {key}?{query} ({status}, wrote {wrote:?}, copied {copied}): {why}")
}
