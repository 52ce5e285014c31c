//! [`Daemon`]: the loop. It hears ticks and orders also while a pass runs, and runs one at a time.

use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::model::{Depth, error_chain};
use crate::observe::{Event, Observer};

use super::memory;
use super::notify;
use super::opener::Opener;
use super::order::Order;
use super::pass::{Ended, OnePass};
use super::reload::reload;
use super::state::{Activity, DaemonState};
use super::steps::{Steps, log_step};
use super::tell::{SeenBreaker, tell_plan, tell_standing};
use super::timetable::Timetable;

/// How often it looks whether something is due, by a clock that nobody sets.
const TICK: Duration = Duration::from_secs(1);

/// A daemon that holds the store's lock.
pub struct Daemon {
    /// Opens what the configuration names.
    pub opener: Arc<dyn Opener>,
    /// What was found and done.
    pub ledger: Arc<dyn Ledger>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// What people ask.
    pub orders: mpsc::Receiver<Order>,
    /// What people see.
    pub state: watch::Sender<DaemonState>,
    /// Set to drain: what is about to complete completes, the rest is thrown away.
    pub cancel: CancellationToken,
}

/// A pass that is under way.
type Running = LocalBoxFuture<'static, Ended>;

/// What woke the loop.
enum Woken {
    Tick,
    Order(Order),
    Ended(Ended),
    Drain,
}

impl Daemon {
    /// Runs until it is told to end and has drained.
    pub async fn run(mut self) {
        let now = self.clock.moment();
        let plan = self.opener.plan();
        tell_plan(&plan, now.wall, &*self.observer);
        let mut seen = SeenBreaker::default();
        self.tell_standing(&mut seen).await;
        let mut table = Timetable::new(plan.shallow, plan.deep, now.wall, rand::random());
        let mut steps = Steps::new(now);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What happened while nobody looked is seen at once.
        table.want(Depth::Shallow);
        let mut running: Option<Running> = None;
        loop {
            if running.is_none() {
                match table.take() {
                    Some(depth) => running = Some(self.begin(depth)),
                    None => self.show(&table, Activity::Idle),
                }
            }
            match self.next(&mut running, &mut ticks).await {
                Woken::Tick => {
                    self.tick(&mut table, &mut steps);
                    notify::alive();
                    self.show_next(&table);
                }
                Woken::Order(order) => self.obey(order, &mut table, &mut seen).await,
                Woken::Ended(ended) => {
                    running = None;
                    self.end(&ended);
                    self.tell_standing(&mut seen).await;
                }
                Woken::Drain => break,
            }
        }
        self.drain(running).await;
    }

    async fn next(&mut self, running: &mut Option<Running>, ticks: &mut Interval) -> Woken {
        let ended = async {
            match running {
                Some(pass) => pass.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Woken::Drain,
            ended = ended => Woken::Ended(ended),
            Some(order) = self.orders.recv() => Woken::Order(order),
            _ = ticks.tick() => Woken::Tick,
        }
    }

    /// Looks what is due by now, and whether somebody set the clock.
    fn tick(&self, table: &mut Timetable, steps: &mut Steps) {
        let now = self.clock.moment();
        if let Some(step) = steps.step(now) {
            log_step(step);
            table.stepped(step, now, rand::random());
            self.observer.notice(&Event::ClockSet { now: now.wall });
        }
        table.tick(now.wall, rand::random());
    }

    /// A pass, which goes on while the loop waits.
    fn begin(&self, depth: Depth) -> Running {
        let since = self.clock.now();
        self.state.send_modify(|state| state.activity = Activity::Pass { depth, since });
        let pass = OnePass {
            opener: Arc::clone(&self.opener),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            paused: self.state.borrow().paused,
            depth,
        };
        Box::pin(pass.run())
    }

    fn end(&self, ended: &Ended) {
        // Whoever reads the line finds the state that it speaks of.
        self.state.send_modify(|state| {
            state.catalog = ended.catalog.clone().or(state.catalog.take());
            state.store = ended.store.clone().or(state.store.take());
        });
        tracing::info!(pass_id = ended.pass_id, "{}", ended.line);
        notify::status(&ended.line);
    }

    /// Tells what stands in the ledger by now. That it cannot be read, the next pass will tell.
    async fn tell_standing(&self, seen: &mut SeenBreaker) {
        let (cycle, now) = (self.opener.plan().cycle.delta(), self.clock.now());
        let told = tell_standing(&*self.ledger, cycle, now, seen, &*self.observer).await;
        if let Err(error) = told {
            tracing::debug!("the gauges stay as they are: {}", error_chain(&error));
        }
    }

    async fn obey(&self, order: Order, table: &mut Timetable, seen: &mut SeenBreaker) {
        match order {
            Order::Pass(depth) => table.want(depth),
            Order::Pause => self.pause(true).await,
            Order::Resume => {
                self.pause(false).await;
                // Whoever resumes wants to see it heal.
                table.want(Depth::Shallow);
            }
            Order::Acknowledge { reason, number, answer } => {
                let answered = super::acknowledge::acknowledge(&*self.ledger, reason, number).await;
                if answered.is_ok() {
                    self.tell_standing(seen).await;
                    table.want(Depth::Shallow);
                }
                drop(answer.send(answered));
            }
            Order::Reload { answer } => {
                let (opener, clock) = (&*self.opener, &*self.clock);
                let done = reload(opener, clock, &*self.observer, &self.state).await;
                if done.is_ok() {
                    let plan = opener.plan();
                    table.change(plan.shallow, plan.deep, clock.now(), rand::random());
                }
                drop(answer.send(done));
            }
        }
    }

    async fn pause(&self, paused: bool) {
        if let Err(error) = memory::keep_paused(&*self.ledger, paused).await {
            let why = error_chain(&error);
            tracing::error!("whether healing is paused holds until a restart only: {why}");
        }
        self.state.send_modify(|state| state.paused = paused);
        let what = if paused { "paused: nothing is healed until it is resumed" } else { "resumed" };
        tracing::warn!(paused, "healing was {what}");
    }

    fn show(&self, table: &Timetable, activity: Activity) {
        self.state.send_if_modified(|state| {
            let changed = state.activity != activity;
            state.activity = activity;
            changed
        });
        self.show_next(table);
    }

    fn show_next(&self, table: &Timetable) {
        let next = (table.next(Depth::Shallow), table.next(Depth::Deep));
        self.state.send_if_modified(|state| {
            let changed = (state.next_shallow, state.next_deep) != next;
            (state.next_shallow, state.next_deep) = next;
            changed
        });
    }

    async fn drain(&mut self, running: Option<Running>) {
        notify::stopping();
        self.state.send_modify(|state| state.activity = Activity::Draining);
        if let Some(pass) = running {
            self.end(&pass.await);
        }
    }
}
