//! A pass over named digests: no listing, every object probed, read and hashed.

use crate::model::{CatalogRow, Collection, Digest, Record};

use super::examine::Examined;
use super::verdicts::Verdicts;
use super::{Context, Trouble};

impl Context<'_> {
    pub(super) async fn examine_named(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Examined, Trouble> {
        // Without a listing only this shows that a 404 means what it says.
        self.auditor.store.check().await?;
        let mut verdicts = Verdicts::new(collection);
        let rows = self.rows_again(collection, digests).await?;
        let mut records: Vec<Record> =
            rows.values().filter_map(|rows| self.expected_by(collection, rows)).collect();
        records.sort_unstable();
        let mut absent = Vec::new();
        self.read_all(records, &mut verdicts, &mut absent).await?;
        self.settle_missing(absent, |_| false, &mut verdicts).await?;
        verdicts.observed =
            verdicts.present + u64::try_from(verdicts.corrupt.len()).unwrap_or(u64::MAX);
        Ok(Examined { verdicts, rows })
    }

    /// The object that rows want as a scan would give it, but old: who names an object has looked
    /// at it. `None` where no row wants it.
    pub(super) fn expected_by(
        &self,
        collection: &Collection,
        rows: &[CatalogRow],
    ) -> Option<Record> {
        let of_row = |row: &CatalogRow| {
            let risk = self.risk(collection, &row.digest, row.size, &row.sources);
            Record::expected(row.digest, row.size.unwrap_or(0), i64::MIN, risk)
        };
        rows.iter().map(of_row).reduce(Record::melt)
    }
}
