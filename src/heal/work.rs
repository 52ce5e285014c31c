//! All objects of a plan at once, as far as their hosts have places: a place is taken for the host
//! first, and only then in total. What waits for a host, or for its next try, takes none.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use crate::model::Repair;

use super::lanes::{Heard, Lanes, Turn};
use super::steps::{Restoring, Step};
use super::{Healer, Job};

type Waiting<'a> = Box<Restoring<'a>>;

/// A step that was taken, and what was heard at the host at which it had a place.
struct Taken<'a> {
    step: Step<'a>,
    heard: Option<(String, Heard)>,
}

/// Everything that is under way.
struct Work<'a, 'f> {
    healer: &'f Healer,
    lanes: Lanes<Waiting<'a>>,
    running: FuturesUnordered<BoxFuture<'f, Taken<'a>>>,
    /// Those that are asked again after a while.
    pausing: FuturesUnordered<BoxFuture<'f, (String, Waiting<'a>)>>,
    repairs: Vec<(usize, Repair)>,
}

impl Healer {
    /// Carries out all jobs, and returns what became of them with their place in the plan; those
    /// that a cancellation cut off are left out.
    pub(super) async fn work_off(&self, jobs: Vec<Job<'_>>) -> Vec<(usize, Repair)> {
        let at_once = self.options.concurrency.max(1);
        let mut work = Work {
            healer: self,
            lanes: Lanes::new(self.source.per_host()),
            running: FuturesUnordered::new(),
            pausing: FuturesUnordered::new(),
            repairs: Vec::with_capacity(jobs.len()),
        };
        let begun = jobs.into_iter().enumerate().map(|(at, job)| self.begin(at, job));
        let mut begun = futures::stream::iter(begun).buffer_unordered(at_once);
        while let Some(step) = begun.next().await {
            work.take(step);
        }
        drop(begun);
        loop {
            work.start(at_once);
            if work.running.is_empty() && (work.pausing.is_empty() || self.cancel.is_cancelled()) {
                return work.repairs;
            }
            // In this order, so that chance has no part in it.
            tokio::select! {
                biased;
                Some(taken) = work.running.next() => work.taken(taken),
                Some((host, waiting)) = work.pausing.next() => work.lanes.wait(&host, waiting),
                () = self.cancel.cancelled(), if work.running.is_empty() => {}
            }
        }
    }
}

impl<'a: 'f, 'f> Work<'a, 'f> {
    /// Lets as many go on as there are places.
    fn start(&mut self, at_once: usize) {
        let healer = self.healer;
        while self.running.len() < at_once && !healer.cancel.is_cancelled() {
            let next = match self.lanes.next() {
                None => return,
                Some(Turn::Ask(host, waiting)) => async move {
                    let (step, heard) = healer.ask_once(&host, waiting).await;
                    Taken { step, heard: Some((host, heard)) }
                }
                .boxed(),
                Some(Turn::LeftAlone(host, waiting)) => {
                    async move { Taken { step: healer.pass_by(&host, waiting).await, heard: None } }
                        .boxed()
                }
            };
            self.running.push(next);
        }
    }

    fn taken(&mut self, Taken { step, heard }: Taken<'a>) {
        if let Some((host, heard)) = heard {
            self.lanes.give_back(&host, &heard);
        }
        self.take(step);
    }

    fn take(&mut self, step: Step<'a>) {
        match step {
            Step::Wait(host, Duration::ZERO, waiting) => self.lanes.wait(&host, waiting),
            Step::Led(from, host, waiting) => self.lanes.wait_led(&from, &host, waiting),
            Step::Stale(host, waiting) => self.lanes.wait_again(&host, waiting),
            Step::Wait(host, pause, waiting) => self.pausing.push(
                async move {
                    tokio::time::sleep(pause).await;
                    (host, waiting)
                }
                .boxed(),
            ),
            Step::Decided(at, repair) => self.repairs.push((at, repair)),
            Step::Cancelled => {}
        }
    }
}
