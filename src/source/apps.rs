//! [`MaintainedApps`]: the manifests of maintained apps as a source. A manifest names the URL of
//! an app's bytes and their digest; it is used only where that is the digest that is asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use tokio::time::Instant;
use url::Url;

use super::manifest::Manifest;
use super::{Asked, Decoding, FetchError, Fetched, HttpSource, Offer, Route, Source};
use crate::model::{Digest, MAINTAINED_APP, redact_url};

/// The most bytes of a manifest: most have a few thousand, some hold long scripts.
const MANIFEST_BYTES: u64 = 4 << 20;

/// How long a manifest is taken for what it was.
const FRESH: Duration = Duration::from_mins(5);

/// Manifests that are kept at most: what matters of each is a few hundred bytes.
const KEPT_AT_MOST: usize = 4096;

/// What is known of one app's manifest; locked while it is asked for, so that it is asked for once.
type Kept = tokio::sync::Mutex<Option<(Instant, Arc<Manifest>)>>;

/// Asks manifests, and then the URLs that they name, all under the policy of the HTTP source.
pub struct MaintainedApps {
    http: Arc<HttpSource>,
    bases: Vec<String>,
    /// Why no base may be asked; `None` where one may.
    refusal: Option<String>,
    kept: Mutex<HashMap<String, Arc<Kept>>>,
}

impl MaintainedApps {
    /// Takes manifests from `<base>/<slug>.json`, the first base that gives a good one.
    pub fn new(http: Arc<HttpSource>, bases: &[String]) -> Self {
        let refusals = bases.iter().map(|base| http.permits(base).err());
        let refusal = match refusals.min_by_key(Option::is_some) {
            None => Some("source.maintained_apps is empty".to_owned()),
            Some(refusal) => refusal.map(|refusal| format!("source.maintained_apps: {refusal}")),
        };
        Self { http, bases: bases.to_vec(), refusal, kept: Mutex::default() }
    }

    /// The URL that the manifest names for this digest.
    async fn installer(&self, source: &str, digest: &Digest) -> Result<String, FetchError> {
        self.permits(source).map_err(FetchError::Policy)?;
        let slug = slug_of(source).map_err(FetchError::Policy)?;
        let manifest = self.manifest(slug, digest).await?;
        manifest.url_of(digest).map(str::to_owned).ok_or_else(|| {
            FetchError::Lacking(format!("the manifest of {slug} {}", manifest.miss(digest)))
        })
    }

    /// The manifest of an app, at most [`FRESH`] old. Failures are not kept.
    async fn manifest(&self, slug: &str, digest: &Digest) -> Result<Arc<Manifest>, FetchError> {
        let kept = self.kept_of(slug);
        let mut kept = kept.lock().await;
        if let Some((at, manifest)) = kept.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(manifest));
        }
        let manifest = Arc::new(self.ask_bases(slug, digest).await?);
        *kept = Some((Instant::now(), Arc::clone(&manifest)));
        Ok(manifest)
    }

    fn kept_of(&self, slug: &str) -> Arc<Kept> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_AT_MOST {
            all.retain(|_, kept| Arc::strong_count(kept) > 1);
        }
        Arc::clone(all.entry(slug.to_owned()).or_default())
    }

    async fn ask_bases(&self, slug: &str, digest: &Digest) -> Result<Manifest, FetchError> {
        let mut failures = Vec::new();
        for base in &self.bases {
            let asked = match manifest_url(base, slug) {
                Ok(url) => self.ask(&url, digest).await,
                Err(refusal) => Err(FetchError::Policy(refusal)),
            };
            match asked {
                Ok(manifest) => return Ok(manifest),
                Err(failure) => failures.push(failure),
            }
        }
        Err(together(slug, &failures))
    }

    /// One manifest. Every failure names its URL.
    async fn ask(&self, url: &str, digest: &Digest) -> Result<Manifest, FetchError> {
        let shown = redact_url(url);
        let read = async {
            let sent = self.http.fetch(url, digest, Decoding::Decoded, MANIFEST_BYTES).await?;
            let add = |mut all: Vec<u8>, chunk: Bytes| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            };
            sent.body.try_fold(Vec::new(), add).await
        };
        let json = read.await.map_err(|error| match error {
            FetchError::Gone { status } => {
                FetchError::Lacking(format!("{shown} answered {status}"))
            }
            FetchError::TooLarge { limit } => FetchError::Permanent(format!(
                "{shown} is no manifest: it is larger than {limit} bytes"
            )),
            other @ (FetchError::Lacking(_)
            | FetchError::Policy(_)
            | FetchError::Transient { .. }
            | FetchError::Silent { .. }
            | FetchError::Encoding(_)
            | FetchError::Permanent(_)) => other,
        })?;
        Manifest::parse(&json)
            .map_err(|why| FetchError::Permanent(format!("{shown} is no manifest: {why}")))
    }
}

#[async_trait]
impl Source for MaintainedApps {
    fn permits(&self, source: &str) -> Result<(), String> {
        slug_of(source)?;
        self.refusal.clone().map_or(Ok(()), Err)
    }

    async fn fetch_at(
        &self,
        route: Route,
        digest: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Asked<Fetched>, FetchError> {
        let Some(url) = route.named().map(str::to_owned) else {
            let url = self.installer(route.source(), digest).await?;
            return Ok(Asked::There(route.at_named(url)));
        };
        let fetched = self.http.fetch_at(route, digest, decoding, limit).await;
        fetched.map_err(|error| of_installer(error, &url))
    }

    async fn offer_at(&self, route: Route, digest: &Digest) -> Result<Asked<Offer>, FetchError> {
        let Some(url) = route.named().map(str::to_owned) else {
            let url = self.installer(route.source(), digest).await?;
            return Ok(Asked::There(route.at_named(url)));
        };
        self.http.offer_at(route, digest).await.map_err(|error| of_installer(error, &url))
    }

    /// That of the manifest, and then that of the URL in it.
    fn host(&self, route: &Route) -> Option<String> {
        if route.named().is_some() {
            return self.http.host(route);
        }
        self.bases.iter().find_map(|base| self.http.host(&Route::of(base)))
    }
}

/// The slug of a source, such as `slack/darwin`. It becomes a part of a path, and so may hold
/// nothing that would lead elsewhere.
fn slug_of(source: &str) -> Result<&str, String> {
    let slug = source.strip_prefix(MAINTAINED_APP).unwrap_or(source);
    let is_plain = |part: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !matches!(part, "" | "." | "..") && part.bytes().all(known)
    };
    if slug.split('/').all(is_plain) {
        return Ok(slug);
    }
    Err("the slug of the maintained app is none (letters, digits, `.`, `_`, `-` between `/`)"
        .to_owned())
}

/// `<base>/<slug>.json`; a query of the base stays behind it.
fn manifest_url(base: &str, slug: &str) -> Result<String, String> {
    let shown = redact_url(base);
    let mut url = Url::parse(base)
        .map_err(|error| format!("`{shown}` of source.maintained_apps is no URL: {error}"))?;
    url.path_segments_mut()
        .map_err(|()| format!("`{shown}` of source.maintained_apps has no path"))?
        .pop_if_empty()
        .extend(format!("{slug}.json").split('/'));
    Ok(url.into())
}

/// What the failures of all bases come to: what may pass, or is no verdict on the app, comes
/// before "there is no such manifest".
fn together(slug: &str, failures: &[FetchError]) -> FetchError {
    let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
    let message = format!("no manifest of {slug}: {}", told.join("; "));
    let hosts = failures.iter().map(|failure| match failure {
        FetchError::Silent { host, .. } => Some(host),
        FetchError::Gone { .. }
        | FetchError::Lacking(_)
        | FetchError::Policy(_)
        | FetchError::TooLarge { .. }
        | FetchError::Transient { .. }
        | FetchError::Encoding(_)
        | FetchError::Permanent(_) => None,
    });
    if let Some(Some(host)) = hosts.reduce(|first, next| first.filter(|_| next.is_some())) {
        return FetchError::Silent { host: host.clone(), message };
    }
    let wishes = failures.iter().filter_map(|failure| match failure {
        FetchError::Transient { retry_after, .. } => Some(*retry_after),
        FetchError::Silent { .. } => Some(None),
        FetchError::Gone { .. }
        | FetchError::Lacking(_)
        | FetchError::Policy(_)
        | FetchError::TooLarge { .. }
        | FetchError::Encoding(_)
        | FetchError::Permanent(_) => None,
    });
    if let Some(retry_after) = wishes.max() {
        return FetchError::Transient { message, retry_after };
    }
    if failures.iter().all(|failure| matches!(failure, FetchError::Lacking(_))) {
        return FetchError::Lacking(message);
    }
    if failures.iter().all(|failure| matches!(failure, FetchError::Policy(_))) {
        return FetchError::Policy(message);
    }
    FetchError::Permanent(message)
}

/// A failure of the URL that a manifest named, which stands in no row: it is told with it.
fn of_installer(error: FetchError, url: &str) -> FetchError {
    let shown = redact_url(url);
    match error {
        FetchError::Gone { status } => {
            FetchError::Lacking(format!("{shown}, which its manifest names, answered {status}"))
        }
        FetchError::Policy(refusal) => {
            FetchError::Policy(format!("{shown}, which its manifest names: {refusal}"))
        }
        other @ (FetchError::Lacking(_)
        | FetchError::TooLarge { .. }
        | FetchError::Transient { .. }
        | FetchError::Silent { .. }
        | FetchError::Encoding(_)
        | FetchError::Permanent(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_leads_nowhere_but_below_the_base() {
        for good in ["slack/darwin", "a", "7-zip/windows", "a.b_c/d..e"] {
            assert_eq!(slug_of(&format!("{MAINTAINED_APP}{good}")), Ok(good));
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "..", "a/..", "../a", "a/../b", ".", "a/./b", "a b",
            "a%2e%2e", "a\\b", "a?b", "a#b", "a:b", "ä", "a\n", "a@h",
        ] {
            assert!(slug_of(&format!("{MAINTAINED_APP}{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_manifest_lies_below_its_base() {
        for (base, url) in [
            ("https://h/manifests", "https://h/manifests/slack/darwin.json"),
            ("https://h/manifests/", "https://h/manifests/slack/darwin.json"),
            ("https://h", "https://h/slack/darwin.json"),
            ("https://h/a%2Fb?token=x", "https://h/a%2Fb/slack/darwin.json?token=x"),
        ] {
            assert_eq!(manifest_url(base, "slack/darwin").as_deref(), Ok(url));
        }
        assert!(manifest_url("mailto:somebody", "a").is_err());
        assert!(manifest_url("no url", "a").is_err());
    }

    #[test]
    fn of_several_failures_the_one_that_may_pass_decides_and_all_are_told() {
        let gone = || FetchError::Lacking("A answered 404".to_owned());
        let odd = || FetchError::Permanent("B is no manifest".to_owned());
        let policy = || FetchError::Policy("C is private".to_owned());
        let down = |retry_after| FetchError::Transient { message: "D".to_owned(), retry_after };
        let wait = Some(Duration::from_secs(7));
        let all = [gone(), odd(), policy(), down(None), down(wait)];
        assert!(
            matches!(together("s", &all), FetchError::Transient { retry_after, .. } if retry_after == wait)
        );
        assert!(matches!(together("s", &[gone(), gone()]), FetchError::Lacking(_)));
        assert!(matches!(together("s", &[policy(), policy()]), FetchError::Policy(_)));
        let mixed = together("s", &[gone(), policy()]);
        assert!(matches!(&mixed, FetchError::Permanent(_)), "{mixed:?}");
        assert_eq!(
            together("s", &[gone(), odd()]).to_string(),
            "no manifest of s: A answered 404; B is no manifest"
        );
    }
}
