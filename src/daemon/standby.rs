//! [`Standby`]: a daemon that waits for the store's lock. It is alive, and reads its configuration
//! again when it is told to; everything else is for the instance that holds the lock.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::observe::Observer;

use super::notify;
use super::opener::Opener;
use super::order::{Order, OrderError};
use super::reload::reload;
use super::state::DaemonState;
use super::tell::tell_plan;

/// How often it says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

/// A daemon before it holds the lock.
pub struct Standby<'a> {
    /// Reads the configuration again.
    pub opener: &'a dyn Opener,
    /// The time of day.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// What people ask.
    pub orders: &'a mut mpsc::Receiver<Order>,
    /// What people see.
    pub state: &'a watch::Sender<DaemonState>,
}

impl Standby<'_> {
    /// Stands by until something has happened.
    pub async fn until<T>(&mut self, event: impl Future<Output = T>) -> T {
        tell_plan(&self.opener.plan(), self.clock.now(), self.observer);
        let mut event = std::pin::pin!(event);
        let mut beat = interval(ALIVE_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut event => return done,
                Some(order) = self.orders.recv() => self.obey(order).await,
                _ = beat.tick() => notify::alive(),
            }
        }
    }

    async fn obey(&self, order: Order) {
        match order {
            Order::Reload { answer } => {
                let done = reload(self.opener, self.clock, self.observer, self.state).await;
                drop(answer.send(done));
            }
            Order::Acknowledge { answer, .. } => {
                let why = "this instance is a spare: ask the one that holds the lock";
                drop(answer.send(Err(OrderError::Refused(why.to_owned()))));
            }
            Order::Pass(_) | Order::Pause | Order::Resume => {
                tracing::warn!("an order was not carried out: this instance is a spare");
            }
        }
    }
}
