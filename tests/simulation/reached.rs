//! What has to be reached: a kind of fault or an ending that never comes is not tested.

/// In two thousand histories.
pub(crate) const REACHED: &[&str] = &[];

/// In fifty thousand.
pub(crate) const RARELY: &[&str] = &[];
