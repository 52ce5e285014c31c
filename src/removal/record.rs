//! [`Record`]: what was done with the objects of a plan, step by step, in a file that survives a
//! crash at any moment.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::files::open_own;
use crate::model::{Digest, Removal, RemovalResult};
use crate::plan::PlanIdentity;

const SCHEMA: &str = "restock.orphans-applied/v1";

/// Of a new record, less what the umask takes.
const MODE: u32 = 0o666;

/// Records of one plan that may lie aside: after so many, a person should look.
const ASIDE_AT_MOST: usize = 1_000;

/// How every record begins.
const BEGINNING: &[u8] = b"{\"type\":\"applied\"";

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It cannot be read or written.
    #[error("cannot {action} the record {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A crash cut it off before anything was done.
    #[error("the record {} was cut off before it began: nothing was done", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("{} is no record that `restock orphans apply` wrote: line {line}", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// The first line that is none of a record.
        line: usize,
        /// The cause.
        #[source]
        source: Option<serde_json::Error>,
    },
}

/// The first line of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct Header {
    /// The name of this shape; in the first line alone.
    schema: String,
    /// The plan.
    plan_id: String,
    /// The world that it was made for.
    #[serde(rename = "for")]
    identity: PlanIdentity,
    /// When the record was begun.
    at: DateTime<Utc>,
}

/// Something that was done, or is about to be, with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Step {
    #[serde(rename = "step")]
    pub(super) kind: StepKind,
    pub(super) collection: String,
    pub(super) key: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) to: Option<String>,
    pub(super) observed_digest: Option<Digest>,
    pub(super) at: DateTime<Utc>,
}

/// What was done, or is about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StepKind {
    /// Next a copy is made.
    Copying,
    /// The copy was read and found whole; next the object is removed.
    Copied,
    /// Next the object is removed for good.
    Deleting,
    /// Next the object is written back.
    Restoring,
}

impl StepKind {
    /// Whether the copy was found whole, and the object may be gone from its place by our hand.
    pub(super) const fn has_proven_copy(self) -> bool {
        match self {
            Self::Copied | Self::Restoring => true,
            Self::Copying | Self::Deleting => false,
        }
    }
}

/// One line of the record of a plan that is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(title = "restock.orphans-applied/v1")]
enum Line {
    /// The first line.
    Applied(Header),
    /// Something is about to be done.
    Step(Step),
    /// What became of an object.
    Removal(Removal),
}

/// The JSON Schema of each line of a record.
pub fn record_line_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Line>()
}

/// What is known of one object.
#[derive(Debug, Clone, Default)]
struct Known {
    /// What was under way, and has no end yet.
    step: Option<Step>,
    /// The last end.
    end: Option<Removal>,
}

/// The record of a plan, open for more.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
    header: Header,
    known: HashMap<String, Known>,
    /// The keys in the order in which they came.
    keys: Vec<String>,
}

impl Record {
    /// Where the record of a plan file lies: beside it.
    pub fn path_of(plan_file: &Path) -> PathBuf {
        let mut path = plan_file.as_os_str().to_owned();
        path.push(".applied.ndjson");
        path.into()
    }

    /// Opens the record of a plan, or begins it. One of another plan, which was in the same file
    /// earlier, is kept under a name with its own id.
    pub fn open(
        path: &Path,
        plan_id: &str,
        identity: &PlanIdentity,
        now: DateTime<Utc>,
    ) -> Result<Self, RecordError> {
        match Self::read(path) {
            Ok(record) if record.header.plan_id == plan_id => return Ok(record),
            Ok(other) => {
                let moved = aside(path, &other.header.plan_id);
                moved.map_err(|source| failed(path, "set aside", source))?;
            }
            Err(RecordError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(RecordError::CutOff { .. }) => {}
            Err(error) => return Err(error),
        }
        let header = Header {
            schema: SCHEMA.to_owned(),
            plan_id: plan_id.to_owned(),
            identity: identity.clone(),
            at: now,
        };
        let file = open_own(path, Some(MODE)).map_err(|source| failed(path, "make", source))?;
        // What a crash cut off before anything was done.
        file.set_len(0).map_err(|source| failed(path, "make", source))?;
        let (known, keys) = (HashMap::new(), Vec::new());
        let mut record = Self { path: path.to_owned(), file, header, known, keys };
        let first = Line::Applied(record.header.clone());
        record.write(&first)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Without it a crash may forget the file's name.
        let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        synced.map_err(|source| failed(path, "make", source))?;
        Ok(record)
    }

    /// Whether a file begins as records do.
    pub fn is_one(path: &Path) -> io::Result<bool> {
        let mut beginning = Vec::new();
        File::open(path)?
            .take(u64::try_from(BEGINNING.len()).unwrap_or(0))
            .read_to_end(&mut beginning)?;
        Ok(beginning == BEGINNING)
    }

    /// Reads a record, to go on with it. A last line that a crash cut off is none.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let unreadable = |source| failed(path, "read", source);
        let mut file = open_own(path, None).map_err(unreadable)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(unreadable)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole == 0 && (BEGINNING.starts_with(&text) || text.starts_with(BEGINNING)) {
            return Err(RecordError::CutOff { path: path.to_owned() });
        }
        text.truncate(whole);
        let mut lines = Vec::new();
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() && at > 0 {
                continue;
            }
            let none = |error| not_a_record(path, at + 1, Some(error));
            lines.push(serde_json::from_slice(line).map_err(none)?);
        }
        let mut lines = lines.into_iter();
        let Some(Line::Applied(header)) = lines.next().filter(is_header) else {
            return Err(not_a_record(path, 1, None));
        };
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(length).map_err(unreadable)?;
        file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let (known, keys) = (HashMap::new(), Vec::new());
        let mut record = Self { path: path.to_owned(), file, header, known, keys };
        lines.for_each(|line| record.note(line));
        Ok(record)
    }

    /// The plan.
    pub fn plan_id(&self) -> &str {
        &self.header.plan_id
    }

    /// The world that the plan was made for.
    pub const fn identity(&self) -> &PlanIdentity {
        &self.header.identity
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last end of every object that has one, in the order in which they came. One whose copy
    /// was found whole when a run was cut off may be gone from its place, and counts as moved, also
    /// where what was cut off next was to put it back.
    pub(super) fn ends(&self) -> Vec<Removal> {
        let end = |key: &String| {
            let Known { step, end } = self.known.get(key)?;
            let cut_off = step.as_ref().filter(|step| step.kind.has_proven_copy());
            match (end, cut_off) {
                (Some(end), _) if end.result.is_done() => Some(end.clone()),
                (_, Some(step)) => Some(self.moved_by(step)),
                (end, None) => end.clone(),
            }
        };
        self.keys.iter().filter_map(end).collect()
    }

    fn moved_by(&self, step: &Step) -> Removal {
        Removal {
            plan_id: self.header.plan_id.clone(),
            collection: step.collection.clone(),
            key: step.key.clone(),
            digest: step.digest,
            size: step.size,
            result: RemovalResult::Moved,
            to: step.to.clone(),
            observed_digest: step.observed_digest,
            at: step.at,
            detail: "copied by a run that was cut off".to_owned(),
        }
    }

    /// How it ended for an object.
    pub(super) fn end_of(&self, key: &str) -> Option<&Removal> {
        self.known.get(key)?.end.as_ref()
    }

    /// What was under way with an object when an earlier run was cut off.
    pub(super) fn step_of(&self, key: &str) -> Option<&Step> {
        self.known.get(key)?.step.as_ref()
    }

    /// Writes a step down; when this returns, it is on disk.
    pub(super) fn step(&mut self, step: Step) -> Result<(), RecordError> {
        self.write(&Line::Step(step))
    }

    /// Writes an end down.
    pub(super) fn end(&mut self, removal: &Removal) -> Result<(), RecordError> {
        self.write(&Line::Removal(removal.clone()))
    }

    fn write(&mut self, line: &Line) -> Result<(), RecordError> {
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            self.file.write_all(&bytes)?;
            self.file.sync_data()
        });
        written.map_err(|source| failed(&self.path, "write", source))?;
        self.note(line.clone());
        Ok(())
    }

    fn note(&mut self, line: Line) {
        let key = match &line {
            Line::Applied(_) => return,
            Line::Step(step) => step.key.clone(),
            Line::Removal(removal) => removal.key.clone(),
        };
        let known = self.known.entry(key.clone()).or_insert_with(|| {
            self.keys.push(key);
            Known::default()
        });
        match line {
            Line::Applied(_) => {}
            Line::Step(step) => known.step = Some(step),
            Line::Removal(removal) => {
                let open = match removal.result {
                    RemovalResult::Unknown => true,
                    RemovalResult::Held | RemovalResult::Failed => removal.to.is_some(),
                    RemovalResult::Moved | RemovalResult::Deleted | RemovalResult::Restored => {
                        false
                    }
                };
                if !open {
                    known.step = None;
                }
                // What was done stays done, whatever a later run could not do.
                let done = |end: &Removal| end.result.is_done();
                if removal.result.is_done() || !known.end.as_ref().is_some_and(done) {
                    known.end = Some(removal);
                }
            }
        }
    }
}

/// Moves a record to a name with the id of its plan, in the place of no earlier one.
fn aside(path: &Path, plan_id: &str) -> io::Result<()> {
    let names = (1_u32..).map(|n| {
        let mut name = path.as_os_str().to_owned();
        let again = if n > 1 { format!(".{n}") } else { String::new() };
        name.push(format!(".{plan_id}{again}"));
        PathBuf::from(name)
    });
    let is_free = |name: &PathBuf| {
        fs::symlink_metadata(name).is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    let free = names.take(ASIDE_AT_MOST).find(is_free).ok_or(ErrorKind::AlreadyExists)?;
    fs::rename(path, free)
}

fn is_header(line: &Line) -> bool {
    matches!(line, Line::Applied(header) if header.schema == SCHEMA)
}

fn failed(path: &Path, action: &'static str, source: io::Error) -> RecordError {
    RecordError::File { path: path.to_owned(), action, source }
}

fn not_a_record(path: &Path, line: usize, source: Option<serde_json::Error>) -> RecordError {
    RecordError::NotARecord { path: path.to_owned(), line, source }
}
