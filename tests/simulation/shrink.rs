//! A history that fails, made as short as it goes and still fails.

use crate::play::play;
use crate::step::{History, Pass, Step};

/// How often a history is played at most while it is shrunk.
const TRIES: usize = 3_000;

pub(crate) fn shrink(seed: u64, history: &History) -> History {
    let (mut best, mut tries) = (history.clone(), 0);
    loop {
        let mut smaller = candidates(&best).into_iter().filter(|candidate| {
            tries += 1;
            tries < TRIES && play(seed, candidate, false).wrong.is_some()
        });
        match smaller.next() {
            Some(found) => best = found,
            None => return best,
        }
    }
}

/// Histories with a little less in them, those with the least first.
fn candidates(history: &History) -> Vec<History> {
    let mut found = Vec::new();
    let steps = &history.steps;
    let mut chunk = steps.len() / 2;
    while chunk > 0 {
        for at in (0..steps.len()).step_by(chunk) {
            let end = (at + chunk).min(steps.len());
            let kept = [&steps[..at], &steps[end..]].concat();
            found.push(History { steps: kept, ..*history });
        }
        chunk /= 2;
    }
    for (at, step) in steps.iter().enumerate() {
        for simpler in simpler_steps(step) {
            let mut steps = steps.clone();
            steps[at] = simpler;
            found.push(History { steps, ..*history });
        }
    }
    for begun in (0..history.settings.begun).rev() {
        let mut less = history.clone();
        less.settings.begun = begun;
        found.push(less);
    }
    found
}

fn simpler_steps(step: &Step) -> Vec<Step> {
    match step {
        Step::Pass(pass) => simpler_passes(pass).into_iter().map(Step::Pass).collect(),
        Step::Both(one, other) => {
            let mut found = vec![Step::Pass(one.clone()), Step::Pass(other.clone())];
            found.extend(simpler_passes(one).into_iter().map(|one| Step::Both(one, other.clone())));
            found.extend(simpler_passes(other).into_iter().map(|p| Step::Both(one.clone(), p)));
            found
        }
        Step::Happens(_)
        | Step::Wait(_)
        | Step::Acknowledge(_)
        | Step::Accept(_)
        | Step::Pause(_)
        | Step::Probe(..)
        | Step::Orphans { .. } => Vec::new(),
    }
}

fn simpler_passes(pass: &Pass) -> Vec<Pass> {
    let mut found = Vec::new();
    if pass.crash.is_some() {
        found.push(Pass { crash: None, ..pass.clone() });
    }
    for at in 0..pass.faults.len() {
        let mut less = pass.clone();
        less.faults.remove(at);
        found.push(less);
    }
    for at in 0..pass.meanwhile.len() {
        let mut less = pass.clone();
        less.meanwhile.remove(at);
        found.push(less);
    }
    found
}
