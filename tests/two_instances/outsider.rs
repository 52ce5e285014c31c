//! Somebody else who takes objects away, and sees them come back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::support::world::{Object, World};

/// How long it waits from one object to the next.
const PAUSE: Duration = Duration::from_millis(70);

/// What it did to one object.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) object: Object,
    pub(crate) times: usize,
    /// When it did so for the last time, a little early.
    pub(crate) last: DateTime<Utc>,
}

pub(crate) struct Outsider {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Taken>>,
}

impl Outsider {
    /// Takes away what is there, one after the other, again and again.
    pub(crate) fn start(world: &World, objects: &[Object]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let objects: Vec<_> =
            objects.iter().map(|object| (world.path(&object.key), object.clone())).collect();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || take(&objects, &stopped));
        Self { stop, thread }
    }

    pub(crate) fn stop(self) -> Vec<Taken> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn take(objects: &[(PathBuf, Object)], stop: &AtomicBool) -> Vec<Taken> {
    let never = DateTime::UNIX_EPOCH;
    let taken = |object: &Object| Taken { object: object.clone(), times: 0, last: never };
    let mut all: Vec<_> = objects.iter().map(|(path, object)| (path, taken(object))).collect();
    while !stop.load(Ordering::SeqCst) {
        for (path, taken) in &mut all {
            let now = Utc::now();
            // What is there is whole, whoever put it there.
            if let Ok(bytes) = std::fs::read(*path) {
                assert_eq!(bytes, taken.object.bytes, "other bytes lay under {}", path.display());
                std::fs::remove_file(*path).unwrap();
                (taken.times, taken.last) = (taken.times + 1, now);
            }
            std::thread::park_timeout(PAUSE);
        }
    }
    let taken = all.into_iter().map(|(_, taken)| taken);
    taken.filter(|taken| taken.times > 0).collect()
}
