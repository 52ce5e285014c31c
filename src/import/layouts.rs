//! [`Layouts`]: under which key an imported object lies.

use crate::catalog::{DEFAULT_COLLECTION, preset_layout};
use crate::model::{Collection, Digest};

/// The key layouts of the embedded catalog's collections.
pub(super) struct Layouts {
    default: String,
    overridden: Vec<Collection>,
}

impl Layouts {
    /// Refuses a default collection whose name makes no key.
    pub(super) fn new(
        collection: Option<String>,
        overridden: Vec<Collection>,
    ) -> Result<Self, String> {
        let default = collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
        let layouts = Self { default, overridden };
        layouts.key(&layouts.default, &Digest::new([0; 32]))?;
        Ok(layouts)
    }

    /// The collection of new rows.
    pub(super) fn default_name(&self) -> &str {
        &self.default
    }

    /// The key of a digest in a collection.
    pub(super) fn key(&self, collection: &str, digest: &Digest) -> Result<String, String> {
        if let Some(overridden) = self.overridden.iter().find(|other| other.name == collection) {
            return Ok(overridden.key.render(digest));
        }
        let layout = preset_layout(collection)
            .map_err(|problem| format!("collection `{}` {problem}", collection.escape_debug()))?;
        Ok(layout.render(digest))
    }
}
