//! Expected against observed: a merge of two sorted streams, and what to think of each pair.
//!
//! Nothing here acts or waits. What comes out are suspicions; only a second observation makes
//! findings of them.

mod join;
mod judge;

pub use join::{Join, JoinError, Joined};
pub use judge::{Judgement, Rules};
