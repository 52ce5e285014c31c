//! [`Panel`]: all that a server needs of a daemon, and no more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::daemon::{Activity, DaemonState, Orders};
use crate::inspect::{self, Inspector};
use crate::ledger::{Ledger, LedgerError};
use crate::observe::Metrics;
use crate::plan::HealOptions;
use crate::report::{ActivityView, DaemonView, SideView, StatusView};

use super::access::{Access, Peer};
use super::seats::Seat;
use super::serve::{QUESTIONS, SOCKET_QUESTIONS};
use super::token::Guesses;

/// Questions to ledger, catalog and store that are answered at once. A pass asks them too, and
/// comes first.
const QUESTIONS_AT_ONCE: usize = 2;

/// For how long what the ledger said is told again, at least …
const STATUS_FRESH: Duration = Duration::from_secs(1);
/// … and as a multiple of the time that it took to ask.
const STATUS_FRESH_TIMES: u32 = 10;

/// What a server shows, and whom it asks.
pub struct Panel {
    /// What was found and done.
    pub ledger: Arc<dyn Ledger>,
    /// The store: scheme, endpoint, bucket and prefix.
    pub store_identity: String,
    /// The daemon's orders and its state.
    pub orders: Orders,
    /// What Prometheus reads.
    pub metrics: Arc<Metrics>,
    /// Looks into single objects; `None` while catalog and store are not open.
    pub inspector: watch::Receiver<Option<Inspector>>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who may ask what.
    pub access: Access,
}

/// A panel while it is served.
pub(super) struct Served {
    pub(super) panel: Panel,
    pub(super) guesses: Guesses,
    pub(super) questions: Semaphore,
    /// Who may ask for more than whether the daemon lives, over TCP and over the socket.
    pub(super) asking: [Semaphore; 2],
    status: Mutex<Option<Known>>,
}

/// What the ledger said.
struct Known {
    view: Arc<StatusView>,
    until: Instant,
}

impl Served {
    pub(super) fn new(panel: Panel) -> Self {
        Self {
            panel,
            guesses: Guesses::default(),
            questions: Semaphore::new(QUESTIONS_AT_ONCE),
            asking: [QUESTIONS, SOCKET_QUESTIONS].map(Semaphore::new),
            status: Mutex::new(None),
        }
    }

    /// A turn for one who asks from there. Who waits for it may lose the seat to one who comes.
    pub(super) async fn turn(&self, peer: Peer, seat: &Seat) -> Option<SemaphorePermit<'_>> {
        let [tcp, socket] = &self.asking;
        let asking = match peer {
            Peer::Address(_) => tcp,
            Peer::Socket => socket,
        };
        if let Ok(turn) = asking.try_acquire() {
            return Some(turn);
        }
        seat.waits();
        let turn = asking.acquire().await.ok();
        seat.is_answered();
        turn
    }

    /// What the ledger knows, at most a moment old, with what the daemon is doing right now. However
    /// many ask at once, the ledger is asked once.
    pub(super) async fn status(&self) -> Result<StatusView, LedgerError> {
        let mut known = self.status.lock().await;
        let began = Instant::now();
        let fresh = known.as_ref().filter(|known| known.until > began).map(|k| Arc::clone(&k.view));
        let view = if let Some(view) = fresh {
            view
        } else {
            let heal = self.heal_options();
            let (ledger, store) = (&*self.panel.ledger, &self.panel.store_identity);
            let now = self.panel.clock.now();
            let view = Arc::new(inspect::status(ledger, store, &heal, now).await?);
            let stays = (began.elapsed() * STATUS_FRESH_TIMES).max(STATUS_FRESH);
            *known = Some(Known { view: Arc::clone(&view), until: Instant::now() + stays });
            view
        };
        drop(known);
        let daemon = Some(daemon_view(&self.state()));
        Ok(StatusView { daemon, ..StatusView::clone(&view) })
    }

    /// What the daemon is doing.
    pub(super) fn state(&self) -> DaemonState {
        self.panel.orders.state.borrow().clone()
    }

    fn heal_options(&self) -> HealOptions {
        let inspector = self.panel.inspector.borrow();
        inspector.as_ref().map(|inspector| inspector.heal.clone()).unwrap_or_default()
    }
}

fn daemon_view(state: &DaemonState) -> DaemonView {
    let side = |said: &Option<Result<(), Arc<str>>>| match said {
        None => SideView::Unasked,
        Some(Ok(())) => SideView::Up,
        Some(Err(cause)) => SideView::Down { cause: cause.to_string() },
    };
    DaemonView {
        activity: match state.activity {
            Activity::Starting => ActivityView::Starting,
            Activity::Standby => ActivityView::Standby,
            Activity::Idle => ActivityView::Idle,
            Activity::Pass { depth, since } => ActivityView::Pass { depth, since },
            Activity::Draining => ActivityView::Draining,
        },
        holds_lock: state.holds_lock,
        paused: state.paused,
        catalog: side(&state.catalog),
        store: side(&state.store),
        next_shallow: state.next_shallow,
        next_deep: state.next_deep,
        reload_problem: state.reload.as_ref().and_then(|reload| reload.problem.clone()),
    }
}
