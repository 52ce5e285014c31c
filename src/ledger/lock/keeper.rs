//! [`Keeper`]: renews a lease in the background, and tells when it is lost.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::lease::{Fence, LeaseRow, LeaseTerms};

/// What is known of a lease that was ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It is ours, and lost at this moment if nothing is heard before.
    Until(Instant),
    Lost,
}

pub(super) struct Keeper {
    pub(super) row: LeaseRow,
    pub(super) fence: Fence,
    pub(super) terms: LeaseTerms,
    pub(super) held: watch::Sender<Held>,
    /// Set when the holder is done.
    pub(super) given_back: CancellationToken,
    pub(super) until: Instant,
    /// When to renew next.
    pub(super) next: Instant,
}

impl Keeper {
    /// Renews until the holder is done or the lease is lost.
    pub(super) async fn keep(mut self) {
        let given_back = self.given_back.clone();
        tokio::select! {
            biased;
            () = given_back.cancelled() => {}
            () = self.renew_until_lost() => {
                // Not given back: what is under way still ends, and nobody else has it before.
                self.held.send_replace(Held::Lost);
                return;
            }
        }
        // What cannot be told in time ends by itself.
        drop(timeout(self.terms.patience(), self.row.give_back(&self.fence)).await);
    }

    async fn renew_until_lost(&mut self) {
        loop {
            sleep_until(self.next.min(self.until)).await;
            let asked_at = Instant::now();
            if asked_at >= self.until {
                return;
            }
            let patience = self.terms.patience().min(self.until - asked_at);
            let renewed = timeout(patience, self.row.renew(&self.fence, self.terms.length)).await;
            match renewed {
                Ok(Ok(true)) => {
                    self.until = self.terms.until(asked_at);
                    self.next = asked_at + self.terms.renew_every;
                    self.held.send_replace(Held::Until(self.until));
                }
                Ok(Ok(false)) => return,
                Ok(Err(_)) | Err(_) => self.next = Instant::now() + self.terms.poll,
            }
        }
    }
}
