//! Findings: since when each stands, and which no longer do.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::statement::Statement;
use super::{CHUNK, Column, Row, SqlLedger, Stored, Table, column};
use crate::ledger::{FindingCursor, FindingKey, Page};
use crate::model::{Digest, Finding, FindingCount, FindingKind, Summary, Unhealable};

/// Bytes of one statement, where that is fewer rows than [`CHUNK`]: servers refuse larger packets.
const BYTES: usize = 1 << 20;

/// A finding that stands keeps its first sighting, one that was closed begins anew. A sighting that
/// lies in the future was made before the clock was set back.
const FINDINGS: Table = Table {
    name: "findings",
    key: &["store", "kind", "subject"],
    columns: &[
        Column::New("collection"),
        Column::New("object_key"),
        Column::New("digest"),
        Column::New("reason"),
        Column::New("healable"),
        Column::New("unhealable"),
        Column::New("accepted"),
        Column::Merged(
            "first_seen",
            "CASE WHEN findings.closed_at IS NULL AND findings.first_seen <= {new.first_seen} \
             THEN findings.first_seen ELSE {new.first_seen} END",
        ),
        Column::New("last_seen"),
        Column::New("last_pass"),
        Column::New("closed_at"),
        Column::New("body"),
    ],
};

/// The statements that keep the findings of a pass.
pub(super) struct Upserts<'a> {
    pub(super) ledger: &'a SqlLedger,
    pub(super) summary: &'a Summary,
    pub(super) rest: &'a [(FindingKey, Finding)],
}

impl Iterator for Upserts<'_> {
    type Item = Stored<Statement>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut bodies, mut bytes) = (Vec::new(), 0_usize);
        for (_, finding) in self.rest.iter().take(CHUNK) {
            let body = match column::json(finding) {
                Ok(body) => body,
                Err(error) => return Some(Err(error)),
            };
            bytes = bytes.saturating_add(body.len());
            if bytes > BYTES && !bodies.is_empty() {
                break;
            }
            bodies.push(body);
        }
        let (chunk, rest) = self.rest.split_at_checked(bodies.len())?;
        self.rest = rest;
        let seen = column::time(self.summary.finished_at);
        let mut statement = self.ledger.upserts(&FINDINGS, chunk.len());
        for ((key, finding), body) in chunk.iter().zip(bodies) {
            statement = statement
                .int(self.ledger.store)
                .text(key.kind.as_str())
                .text(self.ledger.dialect().key(&key.subject))
                .text(&finding.collection)
                .optional(finding.key.as_deref().map(|key| self.ledger.dialect().key(key)))
                .optional(finding.digest)
                .optional(finding.reason.as_deref())
                .int(finding.healable.map(i64::from))
                .optional(finding.unhealable.map(Unhealable::as_str))
                .int(i64::from(finding.accepted))
                .text(column::time(finding.first_seen))
                .text(&seen)
                .text(&self.summary.pass_id)
                .optional(None::<String>)
                .text(body);
        }
        Some(Ok(statement))
    }
}

impl SqlLedger {
    /// What closes those that stand and were not seen by this pass.
    pub(super) fn close_unseen(&self, summary: &Summary) -> Statement {
        let sql = "UPDATE findings SET closed_at = ? \
                   WHERE store = ? AND closed_at IS NULL AND last_pass <> ?";
        Statement::new(sql)
            .text(column::time(summary.finished_at))
            .int(self.store)
            .text(&summary.pass_id)
    }

    /// What closes those that this pass recorded before: what of it still stands is recorded anew,
    /// and may be of another kind by now.
    pub(super) fn close_recorded(&self, summary: &Summary) -> Statement {
        let sql = "UPDATE findings SET closed_at = ? \
                   WHERE store = ? AND closed_at IS NULL AND last_pass = ?";
        Statement::new(sql)
            .text(column::time(summary.finished_at))
            .int(self.store)
            .text(&summary.pass_id)
    }

    /// What closes those about an object that is right again.
    pub(super) fn close_repaired(&self, key: &str, at: DateTime<Utc>) -> Statement {
        let sql = "UPDATE findings SET closed_at = ? WHERE store = ? AND kind IN (?, ?, ?) \
                   AND subject = ? AND closed_at IS NULL";
        Statement::new(sql)
            .text(column::time(at))
            .int(self.store)
            .text(FindingKind::Missing.as_str())
            .text(FindingKind::Corrupt.as_str())
            .text(FindingKind::Unknown.as_str())
            .text(self.dialect().key(key))
    }

    pub(super) async fn read_first_seen(
        &self,
        keys: &[FindingKey],
    ) -> Stored<Vec<Option<DateTime<Utc>>>> {
        let mut found = HashMap::new();
        for kind in FindingKind::ALL {
            let of_kind: Vec<_> = keys
                .iter()
                .filter(|key| key.kind == kind)
                .map(|key| self.dialect().key(&key.subject).into_owned())
                .collect();
            for chunk in of_kind.chunks(CHUNK) {
                let sql = "SELECT subject, first_seen FROM findings WHERE store = ? AND kind = ? \
                           AND closed_at IS NULL AND subject IN";
                let wanted = Statement::new(sql)
                    .int(self.store)
                    .text(kind.as_str())
                    .list(chunk.iter().cloned(), CHUNK);
                for row in self.fetch(wanted).await? {
                    found.insert((kind, row.text(0)?), column::read_time(&row.text(1)?)?);
                }
            }
        }
        let times = keys.iter().map(|key| {
            let subject = self.dialect().key(&key.subject).into_owned();
            found.get(&(key.kind, subject)).copied()
        });
        Ok(times.collect())
    }

    /// Those that stand, by kind, collection and subject.
    pub(super) async fn read_findings(
        &self,
        kind: Option<FindingKind>,
        after: Option<&FindingCursor>,
        limit: u32,
    ) -> Stored<Page<Finding, FindingCursor>> {
        let more = usize::try_from(limit)?.saturating_add(1);
        let mut found = Vec::new();
        let kinds = FindingKind::ALL.into_iter().filter(|one| kind.is_none_or(|kind| kind == *one));
        for kind in kinds.filter(|kind| after.is_none_or(|after| after.kind <= *kind)) {
            let after = after.filter(|after| after.kind == kind);
            // The rest of the cursor's collection, and then the others: each is a piece of an index.
            for whole in [false, true] {
                let left = more.saturating_sub(found.len());
                if left == 0 || (!whole && after.is_none()) {
                    continue;
                }
                let wanted = self.standing(kind, after, whole, i64::try_from(left)?);
                for row in self.fetch(wanted).await? {
                    let cursor =
                        FindingCursor { kind, collection: row.text(2)?, subject: row.text(3)? };
                    found.push((finding(&row)?, cursor));
                }
            }
        }
        Ok(Page::cut(found, limit, |(_, cursor)| cursor.clone()).map(|(finding, _)| finding))
    }

    /// Findings of whole collections behind the cursor's, or of that one behind the cursor.
    fn standing(
        &self,
        kind: FindingKind,
        after: Option<&FindingCursor>,
        whole: bool,
        limit: i64,
    ) -> Statement {
        let of_kind = "SELECT first_seen, body, collection, subject FROM findings \
                       WHERE store = ? AND closed_at IS NULL AND kind = ?";
        let behind = match (after, whole) {
            (None, _) => "",
            (Some(_), true) => " AND collection > ?",
            (Some(_), false) => " AND collection = ? AND subject > ?",
        };
        let sql = format!("{of_kind}{behind} ORDER BY collection, subject LIMIT ?");
        let mut statement = Statement::new(sql).int(self.store).text(kind.as_str());
        if let Some(after) = after {
            statement = statement.text(&after.collection);
        }
        if let Some(after) = after.filter(|_| !whole) {
            statement = statement.text(&after.subject);
        }
        statement.int(limit)
    }

    pub(super) async fn read_findings_of(&self, digest: &Digest) -> Stored<Vec<Finding>> {
        let sql = "SELECT first_seen, body FROM findings \
                   WHERE store = ? AND digest = ? AND closed_at IS NULL";
        let rows = self.fetch(Statement::new(sql).int(self.store).text(*digest)).await?;
        let mut findings = rows.iter().map(finding).collect::<Stored<Vec<_>>>()?;
        findings.sort();
        Ok(findings)
    }

    pub(super) async fn read_finding_counts(&self) -> Stored<Vec<FindingCount>> {
        let sql = "SELECT kind, reason, healable, unhealable, accepted, COUNT(*), MIN(first_seen) \
                   FROM findings WHERE store = ? AND closed_at IS NULL \
                   GROUP BY kind, reason, healable, unhealable, accepted";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        let mut counts = rows.iter().map(count).collect::<Stored<Vec<_>>>()?;
        counts.sort();
        Ok(counts)
    }

    /// What forgets those that were closed before.
    pub(super) fn prune_findings(&self, before: &str) -> Statement {
        Statement::new("DELETE FROM findings WHERE store = ? AND closed_at < ?")
            .int(self.store)
            .text(before)
    }
}

fn finding(row: &Row) -> Stored<Finding> {
    let first_seen = column::read_time(&row.text(0)?)?;
    Ok(Finding { first_seen, ..column::read_json(&row.text(1)?)? })
}

fn count(row: &Row) -> Stored<FindingCount> {
    let unhealable = row.optional_text(3)?;
    Ok(FindingCount {
        kind: column::read_word(row.text(0)?)?,
        reason: row.optional_text(1)?,
        healable: row.optional_int(2)?.map(|healable| healable != 0),
        unhealable: unhealable.map(column::read_word).transpose()?,
        accepted: row.int(4)? != 0,
        count: column::read_count(row.int(5)?)?,
        oldest: column::read_time(&row.text(6)?)?,
    })
}
