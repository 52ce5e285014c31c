//! [`AllSources`]: every kind of source behind one port; how a source is spelled tells its kind.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Decoding, FetchError, Fetched, HttpSource, MaintainedApps, Offer, Scripts, Source, SourceError,
    SourceOptions, Texts,
};
use crate::model::{Digest, MAINTAINED_APP, SCRIPT};

/// URLs, manifests of maintained apps, and texts of the catalog.
pub struct AllSources {
    http: Arc<HttpSource>,
    apps: MaintainedApps,
    scripts: Scripts,
}

impl AllSources {
    /// Sources as configured. Reads the bearer token files; opens no connection.
    pub fn new(options: &SourceOptions, texts: Arc<dyn Texts>) -> Result<Self, SourceError> {
        let http = Arc::new(HttpSource::new(options)?);
        let apps = MaintainedApps::new(Arc::clone(&http), &options.maintained_apps);
        Ok(Self { http, apps, scripts: Scripts::new(texts) })
    }

    fn of(&self, source: &str) -> &dyn Source {
        if source.starts_with(MAINTAINED_APP) {
            &self.apps
        } else if source.starts_with(SCRIPT) {
            &self.scripts
        } else {
            self.http.as_ref()
        }
    }
}

#[async_trait]
impl Source for AllSources {
    fn permits(&self, source: &str) -> Result<(), String> {
        self.of(source).permits(source)
    }

    async fn fetch(
        &self,
        source: &str,
        digest: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Fetched, FetchError> {
        self.of(source).fetch(source, digest, decoding, limit).await
    }

    async fn offer(&self, source: &str, digest: &Digest) -> Result<Offer, FetchError> {
        self.of(source).offer(source, digest).await
    }

    fn host(&self, source: &str) -> Option<String> {
        self.of(source).host(source)
    }

    fn per_host(&self) -> usize {
        self.http.per_host()
    }

    async fn resolve(&self, source: &str, digest: &Digest) -> Result<Option<String>, FetchError> {
        self.of(source).resolve(source, digest).await
    }
}
