//! [`AllSources`]: every kind of source behind one port; how a source is spelled tells its kind.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Asked, Decoding, FetchError, Fetched, HttpSource, MaintainedApps, Offer, Route, Scripts,
    Source, SourceError, SourceOptions, Texts,
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

    async fn fetch_at(
        &self,
        route: Route,
        digest: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Asked<Fetched>, FetchError> {
        self.of(route.source()).fetch_at(route, digest, decoding, limit).await
    }

    async fn offer_at(&self, route: Route, digest: &Digest) -> Result<Asked<Offer>, FetchError> {
        self.of(route.source()).offer_at(route, digest).await
    }

    fn host(&self, route: &Route) -> Option<String> {
        self.of(route.source()).host(route)
    }

    fn per_host(&self) -> usize {
        self.http.per_host()
    }
}
