//! A pass over named digests: no listing, every object probed, read and hashed.

use crate::model::{Collection, Digest, Record};

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
            .iter()
            .map(|(digest, rows)| {
                let size = rows.iter().filter_map(|row| row.size).min().unwrap_or(0);
                Record::new(*digest, size, i64::MIN, false)
            })
            .collect();
        records.sort_unstable();
        let mut absent = Vec::new();
        self.read_all(records, &mut verdicts, &mut absent).await?;
        let absent = self.confirm_missing(absent, &mut verdicts).await?;
        verdicts.missing = absent.into_iter().map(|record| record.digest).collect();
        verdicts.observed =
            verdicts.present + u64::try_from(verdicts.corrupt.len()).unwrap_or(u64::MAX);
        Ok(Examined { verdicts, rows })
    }
}
