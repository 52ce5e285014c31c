//! The lock in a ledger on a server: a lease, which ends by the server's own clock unless it is
//! renewed. No clock of ours is compared with it; how much of it is left is counted from the moment
//! at which it was asked for. Who waits sees in addition whether it is renewed: a server whose clock
//! was set back would keep a dead holder's lease for as long.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::keeper::{Held, Keeper};
use super::{Holder, LockError, Waiting};
use crate::ledger::sql::server::{self, Server};
use crate::ledger::sql::statement::Statement;
use crate::ledger::sql::{Dialect, Engine, Row, Stored, store_id};

/// How a lease is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerms {
    /// How long it lasts after it was last renewed: after this time another instance has it.
    pub length: Duration,
    /// How often it is renewed.
    pub renew_every: Duration,
    /// How long before its end it counts as lost.
    pub margin: Duration,
    /// How often one who waits tries again.
    pub poll: Duration,
}

impl Default for LeaseTerms {
    fn default() -> Self {
        Self {
            length: Duration::from_secs(30),
            renew_every: Duration::from_secs(10),
            margin: Duration::from_secs(6),
            poll: Duration::from_secs(1),
        }
    }
}

impl LeaseTerms {
    /// How long what is under way may take to end, once the lease is lost.
    pub(super) fn drain(&self) -> Duration {
        self.margin / 2
    }

    /// How long one try to renew may take.
    pub(super) fn patience(&self) -> Duration {
        self.renew_every / 2
    }

    /// When a lease that was asked for at this moment counts as lost.
    pub(super) fn until(&self, asked_at: Instant) -> Instant {
        asked_at + self.length.saturating_sub(self.margin)
    }
}

/// Which holding of the lock this is: the number grows with each take-over, and what an earlier
/// holder writes is refused by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    number: i64,
    holder: String,
}

impl Fence {
    /// The holding with this number, by a holder of this name.
    pub fn new(number: i64, holder: impl Into<String>) -> Self {
        Self { number, holder: holder.into() }
    }

    /// The number.
    pub const fn number(&self) -> i64 {
        self.number
    }

    /// Gives a row as long as nobody has taken over, and keeps it so until the transaction ends.
    pub(in crate::ledger) fn guard(&self, dialect: Dialect, store: i64) -> Statement {
        let sql = "SELECT fence FROM leases WHERE store = ? AND fence = ? AND holder = ?";
        Statement::new(format!("{sql}{}", dialect.lock_shared()))
            .int(store)
            .int(self.number)
            .text(&self.holder)
    }
}

/// The row of one store, by which its lease is known.
#[derive(Clone)]
pub(super) struct LeaseRow {
    engine: Arc<dyn Engine>,
    store: i64,
}

/// A lease that is ours, and is being renewed.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) ledger: String,
    pub(super) fence: Fence,
    pub(super) terms: LeaseTerms,
    held: watch::Receiver<Held>,
    given_back: CancellationToken,
    keeper: Option<JoinHandle<()>>,
}

impl Lease {
    pub(super) async fn acquire(
        terms: LeaseTerms,
        server: &Server,
        ledger: String,
        store_identity: &str,
        wait: Option<Duration>,
    ) -> Result<Self, LockError> {
        let row = LeaseRow::open(server, &ledger, store_identity, terms).await?;
        let failed = |source| LockError::Lease { ledger: ledger.clone(), source };
        let holder = Uuid::now_v7().to_string();
        let waiting = Waiting::of(wait, terms.poll);
        let mut was_answered = false;
        let mut stands: Option<(i64, Instant)> = None;
        let (fence, asked_at) = loop {
            let asked_at = Instant::now();
            let abandoned = stands.filter(|(_, since)| asked_at - *since >= terms.length);
            let abandoned = abandoned.map(|(end_ms, _)| end_ms);
            let why_not = match row.take(&holder, terms.length, abandoned).await {
                Ok(Ok(fence)) => break (fence, asked_at),
                Ok(Err((holder, end_ms))) => {
                    was_answered = true;
                    if stands.is_none_or(|(seen_ms, _)| seen_ms != end_ms) {
                        stands = Some((end_ms, Instant::now()));
                    }
                    let place = format!("the lease in the ledger {ledger}");
                    LockError::Busy { place, holder: Some(holder) }
                }
                // Who waits does not mind a server that is away for a while.
                Err(error) if was_answered => failed(error),
                Err(error) => return Err(failed(error)),
            };
            if !waiting.again().await {
                return Err(why_not);
            }
        };
        let (to, held) = watch::channel(Held::Until(terms.until(asked_at)));
        let given_back = CancellationToken::new();
        let keeper = Keeper {
            row,
            fence: fence.clone(),
            terms,
            held: to,
            given_back: given_back.clone(),
            until: terms.until(asked_at),
            next: asked_at + terms.renew_every,
        };
        let keeper = Some(tokio::spawn(keeper.keep()));
        Ok(Self { ledger, fence, terms, held, given_back, keeper })
    }

    pub(super) async fn holder(
        server: &Server,
        ledger: String,
        store_identity: &str,
    ) -> Result<Option<Holder>, LockError> {
        let terms = LeaseTerms::default();
        let row = LeaseRow::open(server, &ledger, store_identity, terms).await?;
        let held = row.holder().await;
        row.engine.close().await;
        let held = held.map_err(|source| LockError::Lease { ledger, source })?.flatten();
        Ok(held.map(|(holder, _)| holder))
    }

    /// Does not hang on the keeper alone: where that cannot run, time passes all the same.
    pub(super) fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut held = self.held.clone();
        async move {
            loop {
                let seen = *held.borrow_and_update();
                let Held::Until(until) = seen else { return };
                if until <= Instant::now() {
                    return;
                }
                tokio::select! {
                    () = sleep_until(until) => {}
                    changed = held.changed() => if changed.is_err() {
                        sleep_until(until).await;
                    },
                }
            }
        }
    }

    pub(super) async fn release(mut self) {
        self.given_back.cancel();
        if let Some(keeper) = self.keeper.take() {
            // One that panicked holds nothing any more.
            drop(keeper.await);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.given_back.cancel();
    }
}

impl LeaseRow {
    async fn open(
        server: &Server,
        ledger: &str,
        store_identity: &str,
        terms: LeaseTerms,
    ) -> Result<Self, LockError> {
        // Makes the tables, where nobody has before, and says best what is wrong.
        let place = |source| LockError::Place { ledger: ledger.to_owned(), source };
        server::open(server, ledger.to_owned()).await.map_err(place)?;
        // One connection that nobody else is in the way of.
        let engine = server::connections(server, 0, terms.patience() / 2);
        let store = store_id(&*engine, store_identity).await;
        let store =
            store.map_err(|source| LockError::Lease { ledger: ledger.to_owned(), source })?;
        Ok(Self { engine, store })
    }

    /// Takes the lease if it is free, or still has the end that one has which nobody renews; if not,
    /// gives who holds it and its end. If the answer of an earlier try was lost, the lease may be ours
    /// already.
    async fn take(
        &self,
        holder: &str,
        length: Duration,
        abandoned: Option<i64>,
    ) -> Stored<Result<Fence, (Holder, i64)>> {
        let now = self.engine.dialect().now_ms();
        let sql = format!(
            "UPDATE leases SET fence = fence + 1, holder = ?, host = ?, pid = ?, \
             since_ms = {now}, expires_ms = {now} + ? \
             WHERE store = ? AND (expires_ms <= {now} OR holder = ? OR expires_ms = ?)"
        );
        let take = Statement::new(sql)
            .text(holder)
            .text(host())
            .int(i64::from(std::process::id()))
            .int(i64::try_from(length.as_millis())?)
            .int(self.store)
            .text(holder)
            // A lease that was given back ends at 0, and is free.
            .int(abandoned.unwrap_or_default());
        loop {
            if self.engine.write(&take.clone(), None).await? == 1 {
                let number = self.number(holder).await?;
                return Ok(Ok(Fence::new(number, holder)));
            }
            match self.holder().await? {
                Some(Some(held)) => return Ok(Err(held)),
                // It became free just now.
                Some(None) => {}
                None => self.enter().await?,
            }
        }
    }

    async fn number(&self, holder: &str) -> Stored<i64> {
        let sql = "SELECT fence FROM leases WHERE store = ? AND holder = ?";
        let rows = self.engine.fetch(&Statement::new(sql).int(self.store).text(holder)).await?;
        rows.first().ok_or("somebody took the lease that was just taken")?.int(0)
    }

    /// Who holds it, if anybody does, and when that ends; the outer `None` where the store has no row
    /// yet.
    async fn holder(&self) -> Stored<Option<Option<(Holder, i64)>>> {
        let now = self.engine.dialect().now_ms();
        let sql = format!(
            "SELECT host, pid, since_ms, expires_ms - {now}, expires_ms FROM leases WHERE store = ?"
        );
        let rows = self.engine.fetch(&Statement::new(sql).int(self.store)).await?;
        rows.first().map(holder).transpose()
    }

    async fn enter(&self) -> Stored<()> {
        let columns = ["store", "fence", "holder", "host", "pid", "since_ms", "expires_ms"];
        let sql = self.engine.dialect().insert_absent("leases", &columns);
        let row = Statement::new(sql).int(self.store).int(0).text("").text("").int(0).int(0).int(0);
        self.engine.write(&row, None).await?;
        Ok(())
    }

    /// Whether it still was ours.
    pub(super) async fn renew(&self, fence: &Fence, length: Duration) -> Stored<bool> {
        let now = self.engine.dialect().now_ms();
        let sql = format!(
            "UPDATE leases SET expires_ms = {now} + ? WHERE store = ? AND fence = ? AND holder = ?"
        );
        let renew = Statement::new(sql)
            .int(i64::try_from(length.as_millis())?)
            .int(self.store)
            .int(fence.number)
            .text(&fence.holder);
        Ok(self.engine.write(&renew, None).await? == 1)
    }

    pub(super) async fn give_back(&self, fence: &Fence) -> Stored<()> {
        let sql = "UPDATE leases SET expires_ms = 0, holder = '' \
                   WHERE store = ? AND fence = ? AND holder = ?";
        let free = Statement::new(sql).int(self.store).int(fence.number).text(&fence.holder);
        self.engine.write(&free, None).await?;
        self.engine.close().await;
        Ok(())
    }
}

fn holder(row: &Row) -> Stored<Option<(Holder, i64)>> {
    let Ok(left) = u64::try_from(row.int(3)?) else { return Ok(None) };
    let holder = Holder {
        host: Some(row.text(0)?),
        pid: u32::try_from(row.int(1)?)?,
        since: DateTime::from_timestamp_millis(row.int(2)?).unwrap_or_default(),
        expires_in: Some(Duration::from_millis(left)),
    };
    Ok(Some((holder, row.int(4)?)))
}

/// What this machine or container calls itself, as far as an index holds it.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}
