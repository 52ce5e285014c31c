//! [`Columns`]: which columns a query has, and how a row of it reads.

use crate::model::{
    CatalogRow, Digest, MAINTAINED_APP, MalformedRow, MistimedRow, SCRIPT, Sources, cut_owned,
};

use super::ScannedRow;
use super::cell::Cell;
use super::engine::{Column, Engine, Holds};
use super::spelling;

/// What is selected of the columns of a query; `None` for those that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    digest: String,
    /// The column itself, and what it can be compared with.
    digest_column: (String, Holds),
    size: Option<String>,
    updated_at: Option<String>,
    source_url: Option<String>,
    maintained_app: Option<String>,
    script: Option<String>,
    name: Option<String>,
    reference: Option<String>,
    active: Option<String>,
}

/// The columns that a statement selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    /// As SQL.
    pub(super) sql: String,
    /// Where each of them stands.
    pub(super) layout: Layout,
}

/// Where the columns of a statement stand; `None` for those that it does not select.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Layout {
    digest: Option<usize>,
    size: Option<usize>,
    updated_at: Option<usize>,
    source_url: Option<usize>,
    maintained_app: Option<usize>,
    script: Option<usize>,
    name: Option<usize>,
    reference: Option<usize>,
    active: Option<usize>,
}

impl Columns {
    /// Finds the columns by name, in any case. Refused, completing "the query of collection `x` …",
    /// where there is no digest, or one of them is there twice.
    pub(super) fn find(columns: &[Column]) -> Result<Self, String> {
        let find = |name: &str| {
            let mut found = columns.iter().filter(|column| column.name.eq_ignore_ascii_case(name));
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(format!("has more than one column `{name}`")),
                (found, None) => Ok(found),
            }
        };
        let sql = |name: &str| Ok::<_, String>(find(name)?.map(|column| column.select.clone()));
        let digest = find("digest")?.ok_or_else(|| {
            format!(
                "has no column `digest`: it has {}; write e.g. SELECT sha256 AS digest",
                columns.iter().map(|c| format!("`{}`", c.name)).collect::<Vec<_>>().join(", ")
            )
        })?;
        Ok(Self {
            digest: digest.select.clone(),
            digest_column: (digest.sql.clone(), digest.holds),
            size: sql("size")?,
            updated_at: sql("updated_at")?,
            source_url: sql("source_url")?,
            maintained_app: sql("restock_maintained_app")?,
            script: sql("restock_script")?,
            name: sql("name")?,
            reference: sql("ref")?,
            active: sql("restock_active")?,
        })
    }

    /// What a scan selects.
    pub(super) fn for_scan<E: Engine>(&self) -> Selection {
        self.select::<E>(false)
    }

    /// What is selected of the rows in question.
    pub(super) fn for_rows<E: Engine>(&self) -> Selection {
        self.select::<E>(true)
    }

    fn select<E: Engine>(&self, whole: bool) -> Selection {
        let mut selected: Vec<&str> = E::LEADING.into_iter().collect();
        let layout = Layout {
            digest: place(&mut selected, Some(&self.digest)),
            size: place(&mut selected, self.size.as_ref()),
            updated_at: place(&mut selected, self.updated_at.as_ref()),
            source_url: place(&mut selected, self.source_url.as_ref()),
            maintained_app: place(&mut selected, self.maintained_app.as_ref()),
            script: place(&mut selected, self.script.as_ref()),
            name: place(&mut selected, self.name.as_ref().filter(|_| whole)),
            reference: place(&mut selected, self.reference.as_ref().filter(|_| whole)),
            active: place(&mut selected, self.active.as_ref().filter(|_| whole)),
        };
        Selection { sql: selected.join(", "), layout }
    }

    /// The condition under which a row has one of these digests in a plain spelling, for an index
    /// to serve; `None` where the column's type cannot be looked up so.
    pub(super) fn listing<'a, E: Engine>(
        &self,
        digests: impl IntoIterator<Item = &'a Digest>,
    ) -> Option<String> {
        let (column, holds) = &self.digest_column;
        let (texts, bytes) = match holds {
            Holds::Text => (true, false),
            Holds::Bytes => (false, true),
            Holds::Either => (true, true),
            Holds::Other => return None,
        };
        let mut values = Vec::new();
        for digest in digests {
            let spelled = spelling::plain(digest);
            if texts {
                values.extend(spelled.iter().map(|text| E::text(text)));
            }
            if bytes {
                values.push(E::bytes(&digest.to_string()));
                values.extend(spelled.iter().map(|text| E::bytes(&hex_of(text))));
            }
        }
        Some(format!("{column} IN ({})", values.join(",")))
    }
}

/// The hex of a text's bytes.
pub(super) fn hex_of(text: &str) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

fn place<'a>(selected: &mut Vec<&'a str>, column: Option<&'a String>) -> Option<usize> {
    let column = column?;
    selected.push(column);
    Some(selected.len() - 1)
}

/// A row under the eyes of one who knows where its columns stand.
pub(super) struct Reader<'a, E: Engine> {
    pub(super) row: &'a <E::Database as sqlx::Database>::Row,
    pub(super) layout: &'a Layout,
}

impl<E: Engine> Reader<'_, E> {
    fn cell(&self, index: Option<usize>) -> Cell<'_> {
        index.map_or(Cell::Null, |index| E::cell(self.row, index))
    }

    /// A row of a scan, how many bytes of text it holds, and whether its digest is found by
    /// [`Columns::listing`].
    pub(super) fn scanned(&self) -> (ScannedRow, usize, bool) {
        let cell = self.cell(self.layout.digest);
        let read = cell.digest();
        let digest = read.as_ref().ok().copied().flatten();
        let is_found = digest.is_none() || cell.is_plainly_spelled();
        let time = self.cell(self.layout.updated_at).time();
        let sources = self.sources();
        let bytes = sources.text_bytes();
        let scanned = ScannedRow {
            digest,
            is_unreadable: read.is_err(),
            size: self.cell(self.layout.size).size(),
            is_mistimed: time.is_err(),
            updated_at: time.ok().flatten().map(|time| time.timestamp()),
            sources,
        };
        (scanned, bytes, is_found)
    }

    /// The digest, where it is one, and whether it is found by [`Columns::listing`].
    pub(super) fn digest(&self) -> (Option<Digest>, bool) {
        let cell = self.cell(self.layout.digest);
        let digest = cell.digest().ok().flatten();
        let is_found = digest.is_none() || cell.is_plainly_spelled();
        (digest, is_found)
    }

    /// The row whole, as that of a digest.
    pub(super) fn whole(&self, digest: Digest) -> CatalogRow {
        CatalogRow {
            digest,
            size: self.cell(self.layout.size).size(),
            updated_at: self.cell(self.layout.updated_at).time().ok().flatten(),
            sources: self.sources(),
            name: self.shown(self.layout.name),
            reference: self.shown(self.layout.reference),
            active: self.cell(self.layout.active).flag(),
        }
    }

    /// A row whose digest cannot be read; `None` where it can, or is NULL.
    pub(super) fn malformed(&self) -> Option<MalformedRow> {
        let shown = self.cell(self.layout.digest).digest().err()?;
        let name = self.shown(self.layout.name);
        Some(MalformedRow { shown, name, reference: self.shown(self.layout.reference) })
    }

    /// A text for people, cut where it is long.
    fn shown(&self, index: Option<usize>) -> Option<String> {
        self.cell(index).shown().map(cut_owned)
    }

    /// A row with a digest that was written after `latest`, or at what is no time.
    pub(super) fn mistimed(&self, latest: i64) -> Option<MistimedRow> {
        let digest = self.digest().0?;
        let cell = self.cell(self.layout.updated_at);
        let time = cell.time();
        let is_future = time.is_ok();
        let shown = match time {
            Ok(Some(time)) if time.timestamp() > latest => cell.shown().unwrap_or_default(),
            Ok(_) => return None,
            Err(shown) => shown,
        };
        let name = self.shown(self.layout.name);
        let reference = self.shown(self.layout.reference);
        Some(MistimedRow { digest, shown, is_future, name, reference })
    }

    fn sources(&self) -> Sources {
        let marked = |mark: &str, index: Option<usize>| {
            let shown = self.cell(index).shown()?;
            let text = shown.trim();
            (!text.is_empty()).then(|| format!("{mark}{text}"))
        };
        Sources {
            url: self.cell(self.layout.source_url).text().map(str::to_owned),
            maintained_app: marked(MAINTAINED_APP, self.layout.maintained_app),
            script: marked(SCRIPT, self.layout.script),
        }
    }
}
