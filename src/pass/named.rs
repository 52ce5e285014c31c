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
        let mut records: Vec<Record> = rows
            .values()
            .filter_map(|rows| {
                let of_row = rows.iter().map(|row| self.record_of(collection, row));
                of_row.reduce(Record::melt)
            })
            .collect();
        records.sort_unstable();
        let mut absent = Vec::new();
        self.read_all(records, &mut verdicts, &mut absent).await?;
        self.settle_missing(absent, |_| false, &mut verdicts).await?;
        verdicts.observed =
            verdicts.present + u64::try_from(verdicts.corrupt.len()).unwrap_or(u64::MAX);
        Ok(Examined { verdicts, rows })
    }

    /// The row as a scan would give it, but old: who names an object has looked at it.
    fn record_of(&self, collection: &Collection, row: &CatalogRow) -> Record {
        let size = row.size;
        let risk = self.risk(collection, &row.digest, size, &row.sources);
        Record::expected(row.digest, size.unwrap_or(0), i64::MIN, risk)
    }
}
