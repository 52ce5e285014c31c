//! Texts of the catalog, for the source that makes bytes of them.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::catalog::Catalog;
use crate::source::Texts;

/// The catalog as the place where scripts' texts are kept.
pub struct CatalogTexts(pub Arc<dyn Catalog>);

#[async_trait]
impl Texts for CatalogTexts {
    async fn text(&self, id: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.script(id).await?)
    }
}
