//! One pass: the whole pipeline, from two enumerations to a report.

mod options;

pub use options::{AuditOptions, DeepOptions};
