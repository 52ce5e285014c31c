//! [`Tournament`]: which of many sorted runs has the next record.

use crate::model::Record;

/// A tournament of the first records of all runs, as a tree of losers: once the winner's run has
/// sent its next record, only the matches on its way up are played again.
///
/// Matches are played on the first eight bytes of the digests, which lie in the tree itself; the
/// records are looked at only where these agree.
#[derive(Debug)]
pub(super) struct Tournament {
    /// The next record of each run; `None` where it has no more.
    heads: Vec<Option<Record>>,
    /// Who lost the match at each node. The root is node 1, the children of n are 2n and 2n + 1,
    /// and the runs are the nodes from `heads.len()` on.
    losers: Vec<Player>,
    winner: Player,
}

#[derive(Debug, Clone, Copy)]
struct Player {
    position: u64,
    run: usize,
}

impl Player {
    fn new(run: usize, head: Option<&Record>) -> Self {
        Self { position: head.map_or(u64::MAX, |record| record.digest.position()), run }
    }
}

impl Tournament {
    /// Plays all matches among the first records of the runs.
    pub(super) fn new(heads: Vec<Option<Record>>) -> Self {
        let mut round: Vec<_> =
            heads.iter().enumerate().map(|(n, r)| Player::new(n, r.as_ref())).collect();
        // Each node's winner, from the last node to the root; their children stand behind them.
        let mut losers = Vec::with_capacity(heads.len());
        round.reverse();
        let mut pairs = 0;
        while let (Some(right), Some(left)) = (round.get(pairs), round.get(pairs + 1)) {
            let (winner, loser) = play(&heads, *left, *right);
            round.push(winner);
            losers.push(loser);
            pairs += 2;
        }
        let nobody = Player { position: u64::MAX, run: usize::MAX };
        let winner = round.last().copied().unwrap_or(nobody);
        losers.push(nobody);
        losers.reverse();
        Self { heads, losers, winner }
    }

    /// The run with the next record; none of the runs where there is no run.
    pub(super) const fn winner(&self) -> usize {
        self.winner.run
    }

    /// Takes the next record, and puts the following one of its run in its place.
    #[inline]
    pub(super) fn replace(&mut self, next: Option<Record>) -> Option<Record> {
        let run = self.winner.run;
        let mut winner = Player::new(run, next.as_ref());
        let taken = std::mem::replace(self.heads.get_mut(run)?, next);
        let mut node = usize::midpoint(self.heads.len(), run);
        while node > 0 {
            let loser = self.losers.get_mut(node)?;
            (winner, *loser) = play(&self.heads, winner, *loser);
            node /= 2;
        }
        self.winner = winner;
        taken
    }
}

/// The winner, which has the smaller digest, and the loser.
#[inline]
fn play(heads: &[Option<Record>], a: Player, b: Player) -> (Player, Player) {
    let second = if a.position == b.position {
        comes_first(heads, b.run, a.run)
    } else {
        b.position < a.position
    };
    if second { (b, a) } else { (a, b) }
}

/// Whether run `a` has the smaller record, looking at all of it. A run without one comes last.
#[cold]
fn comes_first(heads: &[Option<Record>], a: usize, b: usize) -> bool {
    let record = |run: usize| heads.get(run).and_then(Option::as_ref);
    match (record(a), record(b)) {
        (Some(a), Some(b)) => a.digest < b.digest,
        (a, _) => a.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    /// Runs of digests that agree in their first eight bytes, or in none.
    fn runs(count: usize) -> Vec<Vec<Record>> {
        let record = |byte, last| {
            let mut bytes = [byte; 32];
            bytes[31] = last;
            Record::new(Digest::new(bytes), 1, 0, false)
        };
        let of_run = |run: usize| {
            let run = u8::try_from(run).unwrap();
            (0..run % 5)
                .map(|n| record(if run.is_multiple_of(3) { 255 } else { n * 9 }, n))
                .collect()
        };
        (0..count).map(of_run).collect()
    }

    #[test]
    fn any_number_of_runs_comes_out_in_order() {
        for count in 0..40 {
            let mut all: Vec<_> = runs(count).concat();
            all.sort_unstable();
            let mut runs: Vec<_> = runs(count).into_iter().map(Vec::into_iter).collect();
            let mut heads = Tournament::new(runs.iter_mut().map(Iterator::next).collect());
            let mut merged = Vec::new();
            while let Some(run) = runs.get_mut(heads.winner()) {
                match heads.replace(run.next()) {
                    Some(record) => merged.push(record),
                    None => break,
                }
            }
            assert_eq!(merged, all, "{count} runs");
        }
    }
}
