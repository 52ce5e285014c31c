//! Passes: the numbers of each, which was the last full one, and what remains of those forgotten.

use chrono::{DateTime, TimeDelta, Utc};

use super::statement::Statement;
use super::{Column, Row, SqlLedger, Stored, Table, column};
use crate::ledger::{Page, PassCursor};
use crate::model::{LastFull, Outcome, PassTotals, Summary};

/// By how much the clocks of two machines may differ that share a ledger.
const SKEW: TimeDelta = TimeDelta::minutes(5);

const PASSES: Table = Table {
    name: "passes",
    key: &["store", "pass_id"],
    columns: &[
        Column::New("command"),
        Column::New("depth"),
        Column::New("slice"),
        Column::New("outcome"),
        Column::New("is_full"),
        Column::New("expected"),
        Column::New("started_at"),
        Column::New("finished_at"),
        Column::New("body"),
    ],
};

/// Passes may be written down in another order than they ended.
const TOTALS: Table = Table {
    name: "pass_totals",
    key: &["store", "depth"],
    columns: &[
        Column::Merged("runs", "pass_totals.runs + {new.runs}"),
        Column::Merged("failures", "pass_totals.failures + {new.failures}"),
        Column::Merged(
            "succeeded_at",
            "CASE WHEN {new.succeeded_at} IS NULL OR {new.succeeded_at} < pass_totals.succeeded_at \
             THEN pass_totals.succeeded_at ELSE {new.succeeded_at} END",
        ),
        Column::Merged(
            "started_at",
            "CASE WHEN {new.finished_at} < pass_totals.finished_at \
             THEN pass_totals.started_at ELSE {new.started_at} END",
        ),
        Column::Merged(
            "finished_at",
            "CASE WHEN {new.finished_at} < pass_totals.finished_at \
             THEN pass_totals.finished_at ELSE {new.finished_at} END",
        ),
    ],
};

/// The newest pass that went over everything and counted it.
const LAST_FULL: &str = "SELECT pass_id, body FROM passes \
                         WHERE store = ? AND is_full = 1 AND expected IS NOT NULL \
                         ORDER BY finished_at DESC, pass_id DESC LIMIT 1";

impl SqlLedger {
    /// How a pass stands recorded so far; `None` where it is not.
    pub(super) async fn recorded_outcome(&self, pass_id: &str) -> Stored<Option<String>> {
        let sql = "SELECT outcome FROM passes WHERE store = ? AND pass_id = ?";
        let rows = self.fetch(Statement::new(sql).int(self.store).text(pass_id)).await?;
        rows.first().map(|row| row.text(0)).transpose()
    }

    /// What makes this pass the newest, where others ended in what is the future since the clock was
    /// set back: they ended before it began.
    fn earlier_passes(&self, summary: &Summary) -> [Statement; 3] {
        let Summary { started_at, finished_at, .. } = summary;
        let future = column::time(finished_at.checked_add_signed(SKEW).unwrap_or(*finished_at));
        let before = started_at.checked_sub_signed(TimeDelta::milliseconds(1));
        let before = column::time(before.unwrap_or(*started_at));
        let earlier = |table: &str, column: &str| {
            let sql = format!("UPDATE {table} SET {column} = ? WHERE store = ? AND {column} > ?");
            Statement::new(sql).text(&before).int(self.store).text(&future)
        };
        [
            earlier("passes", "finished_at"),
            earlier("pass_totals", "finished_at"),
            earlier("pass_totals", "succeeded_at"),
        ]
    }

    /// What keeps a pass. One that is recorded already, with its outcome `before`, is counted once:
    /// a pass is recorded when it has found everything, and again when it has healed that.
    pub(super) fn pass_statements(
        &self,
        summary: &Summary,
        is_full: bool,
        before: Option<&str>,
    ) -> Stored<[Statement; 5]> {
        let finished_at = column::time(summary.finished_at);
        let started_at = column::time(summary.started_at);
        let depth = column::word(&summary.depth)?;
        let failed = summary.outcome == Outcome::Failed;
        let newly_failed = failed && before != Some(Outcome::Failed.as_str());
        let pass = self
            .upsert(&PASSES)
            .int(self.store)
            .text(&summary.pass_id)
            .text(column::word(&summary.command)?)
            .text(&depth)
            .optional(summary.slice.as_deref())
            .text(summary.outcome.as_str())
            .int(i64::from(is_full))
            .int(summary.expected.map(column::count).transpose()?)
            .text(&started_at)
            .text(&finished_at)
            .text(column::json(summary)?);
        let totals = self
            .upsert(&TOTALS)
            .int(self.store)
            .text(depth)
            .int(i64::from(before.is_none()))
            .int(i64::from(newly_failed))
            .optional((!failed).then_some(finished_at.as_str()))
            .text(started_at)
            .text(&finished_at);
        let [newest, last, succeeded] = self.earlier_passes(summary);
        Ok([newest, last, succeeded, pass, totals])
    }

    pub(super) async fn read_passes(
        &self,
        after: Option<&PassCursor>,
        limit: u32,
    ) -> Stored<Page<Summary, PassCursor>> {
        let more = i64::from(limit).saturating_add(1);
        let statement = match after {
            None => Statement::new(
                "SELECT body, finished_at FROM passes WHERE store = ? \
                 ORDER BY finished_at DESC, pass_id DESC LIMIT ?",
            )
            .int(self.store),
            Some(PassCursor { finished_at, pass_id }) => {
                let finished_at = column::time(*finished_at);
                Statement::new(
                    "SELECT body, finished_at FROM passes WHERE store = ? AND finished_at <= ? \
                     AND (finished_at < ? OR pass_id < ?) \
                     ORDER BY finished_at DESC, pass_id DESC LIMIT ?",
                )
                .int(self.store)
                .text(&finished_at)
                .text(finished_at)
                .text(pass_id)
            }
        };
        let mut found = Vec::new();
        for row in self.fetch(statement.int(more)).await? {
            // As it is ordered by: the body has milliseconds only.
            let finished_at = column::read_time(&row.text(1)?)?;
            let summary: Summary = column::read_json(&row.text(0)?)?;
            let pass_id = summary.pass_id.clone();
            found.push((summary, PassCursor { finished_at, pass_id }));
        }
        Ok(Page::cut(found, limit, |(_, cursor)| cursor.clone()).map(|(summary, _)| summary))
    }

    pub(super) async fn read_last_full(&self) -> Stored<Option<Summary>> {
        let rows = self.fetch(Statement::new(LAST_FULL).int(self.store)).await?;
        rows.first().map(|row| column::read_json(&row.text(1)?)).transpose()
    }

    pub(super) async fn read_totals(&self) -> Stored<Vec<PassTotals>> {
        let sql = "SELECT depth, runs, failures, started_at, finished_at, succeeded_at \
                   FROM pass_totals WHERE store = ? ORDER BY depth DESC";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        rows.iter().map(totals).collect()
    }

    /// What forgets the passes that ended before, save the last full one: the next pass is judged
    /// by it.
    pub(super) async fn prune_passes(&self, before: &str) -> Stored<Statement> {
        let last = self.fetch(Statement::new(LAST_FULL).int(self.store)).await?;
        let last = last.first().map(|row| row.text(0)).transpose()?;
        let sql = "DELETE FROM passes WHERE store = ? AND finished_at < ? AND pass_id <> ?";
        Ok(Statement::new(sql).int(self.store).text(before).text(last.unwrap_or_default()))
    }
}

/// What the breaker asks of a full pass, of whatever version: each has counted both numbers.
pub(super) fn last_full(summary: Summary) -> Option<LastFull> {
    let Summary { pass_id, finished_at, expected, young, .. } = summary;
    let named = expected?.saturating_add(young.unwrap_or(0));
    Some(LastFull { pass_id, finished_at, named })
}

fn totals(row: &Row) -> Stored<PassTotals> {
    let time = |at| -> Stored<DateTime<Utc>> { column::read_time(&row.text(at)?) };
    Ok(PassTotals {
        depth: column::read_word(row.text(0)?)?,
        runs: column::read_count(row.int(1)?)?,
        failures: column::read_count(row.int(2)?)?,
        started_at: time(3)?,
        finished_at: time(4)?,
        succeeded_at: row.optional_text(5)?.as_deref().map(column::read_time).transpose()?,
    })
}
