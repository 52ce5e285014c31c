//! Sources beyond a row's URL: manifests of maintained apps and texts of the catalog; and what
//! URLs become on their way.
#![expect(clippy::unwrap_used, reason = "a broken test should stop")]

mod apps;
mod catalog;
mod heals;
mod offers;
mod scripts;
mod survey;
mod urls;

#[path = "../support/hindrance.rs"]
mod hindrance;
#[path = "../support/memory_catalog.rs"]
mod memory_catalog;
#[path = "../support/mod.rs"]
mod support;
