//! [`ReportTarget`]: `--report FORMAT=PATH`, a report beside the one on stdout.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::Builder;

use super::{Format, ParseFormatError, Render, TextOptions};

/// A report that goes to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTarget {
    /// Its form.
    pub format: Format,
    /// Where it goes.
    pub path: PathBuf,
}

/// A text that is not `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTargetError {
    /// There is no `=`, or nothing behind it.
    #[error("`{0}` names no file: write FORMAT=PATH, e.g. json=report.json")]
    NoPath(String),
    /// The format is none.
    #[error(transparent)]
    Format(#[from] ParseFormatError),
}

/// A report that could not be written. What stood at the path before is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report {}", path.display())]
pub struct WriteReportError {
    /// Where it was to go.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub source: io::Error,
}

impl FromStr for ReportTarget {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((format, path)) if !path.is_empty() => {
                Ok(Self { format: format.parse()?, path: path.into() })
            }
            _ => Err(ParseTargetError::NoPath(text.to_owned())),
        }
    }
}

impl ReportTarget {
    /// Writes the report beside the path and renames it, so that no reader sees half of it. A
    /// pipe or device is written to as it stands.
    pub fn write(
        &self,
        report: &impl Render,
        options: &TextOptions<'_>,
    ) -> Result<(), WriteReportError> {
        put(&self.path, |out| report.render(self.format, options, out))
    }

    /// Whether a report could be written there.
    pub fn check(&self) -> Result<(), WriteReportError> {
        check_place(&self.path)
    }
}

/// Writes a text as [`ReportTarget::write`] does a report.
pub fn write_text(path: &Path, text: &str) -> Result<(), WriteReportError> {
    put(path, |out| out.write_all(text.as_bytes()))
}

/// Whether a report could be written to a path: its folder exists, and it is no folder itself.
pub fn check_place(path: &Path) -> Result<(), WriteReportError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let problem = if path.is_dir() {
        Some(io::ErrorKind::IsADirectory)
    } else if folder.is_some_and(|folder| !folder.is_dir()) {
        Some(io::ErrorKind::NotFound)
    } else {
        None
    };
    let refuse = |kind| WriteReportError { path: path.to_owned(), source: io::Error::from(kind) };
    problem.map_or(Ok(()), |kind| Err(refuse(kind)))
}

fn put(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), WriteReportError> {
    let whole = |out: &mut BufWriter<&mut File>| {
        write(out)?;
        out.flush()
    };
    place(path, whole).map_err(|source| WriteReportError { path: path.to_owned(), source })
}

fn place(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        let mut device = File::options().write(true).open(&path)?;
        return write(&mut BufWriter::new(&mut device));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut staged = builder().tempfile_in(folder.unwrap_or(Path::new(".")))?;
    write(&mut BufWriter::new(staged.as_file_mut()))?;
    staged.as_file().sync_all()?;
    staged.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Temporary files are private by default; a report is as readable as the umask makes it.
fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".restock-report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}
