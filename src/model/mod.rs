//! The nouns: what a catalog expects, what a store holds, what is wrong and what was done about it.
//!
//! Nothing here acts. Every other layer speaks in these types, and everything known about a noun
//! stands in the file that is named after it.

mod acceptance;
mod collection;
mod count;
mod digest;
mod finding;
mod foreign;
mod history;
pub mod instant;
mod key;
mod occurrence;
mod operation;
mod record;
mod redact;
mod removal;
mod repair;
mod schedule;
mod slice;
mod sources;
mod summary;
mod units;

pub use acceptance::{Acceptance, Day};
pub use collection::{CatalogRow, Collection, MalformedRow, MistimedRow};
pub use count::{FindingCount, PassTotals};
pub use digest::{Digest, ParseDigestError};
pub use finding::{Finding, FindingKind, Unhealable, reason};
pub use foreign::{FOREIGN_BYTES, URL_BYTES, cut, cut_owned};
pub use history::{
    Attempts, BreakerReason, BreakerState, Corruption, LastFull, ObjectMeta, Publishing, Sighting,
    SourceVerdict, Upload, Verdict,
};
pub use key::{KeyTemplate, ParseKeyTemplateError, TEMPORARY_MARK, is_temporary};
pub use operation::{OperationFailure, OperationKind, StoreOperation};
pub use record::{Record, UNSURE_SIZE};
pub use redact::{error_chain, redact_place, redact_url, redact_urls_in};
pub use removal::{Removal, RemovalResult};
pub use repair::{Cause, CorruptBytes, FailureReason, Repair, RepairResult};
pub use schedule::{ParseScheduleError, ParseZoneError, Schedule, Zone};
pub use slice::{ParseSliceError, Slice};
pub use sources::{MAINTAINED_APP, SCRIPT, Sources};
pub use summary::{BreakerSummary, Command, Depth, Outcome, PassError, StoreRequests, Summary};
pub use units::{Size, Span};
