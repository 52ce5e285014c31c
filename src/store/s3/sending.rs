//! How far an upload has come. Neither `object_store` nor reqwest reports it, but it can be seen
//! from outside: hyper keeps each block of a payload in a queue until the socket has taken it, with
//! TLS and without, and for that time the block has a second owner. So an upload is given up when
//! its blocks stop moving, and not after a time that grows with its size.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object_store::{PutPayload, PutPayloadMut};
use tokio::time::sleep;

use super::patience::Impatience;

/// Bytes of a block, the smallest step that can be seen.
pub(super) const BLOCK_BYTES: usize = 32 << 10;
/// Looks at an upload within the silence that is borne.
const LOOKS: u32 = 30;
/// Bytes a second that the uploads of a store have to move together. An upload may fall back behind
/// its share by what twice the silence asks for.
const SLOWEST: u64 = 28 << 10;

tokio::task_local! {
    /// What the requests of this task upload. A request that sends more than a few bytes has to be
    /// within its scope: without it, nothing can be watched, and the answer is due at once.
    pub(super) static PAYLOAD: PutPayload;
}

/// A payload in the making. Each block has memory of its own, and so owners of its own.
#[derive(Debug)]
pub(super) struct Blocks(PutPayloadMut);

impl Default for Blocks {
    fn default() -> Self {
        Self(PutPayloadMut::new().with_block_size(BLOCK_BYTES))
    }
}

impl Blocks {
    pub(super) fn len(&self) -> usize {
        self.0.content_length()
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        // More at once would make a larger block.
        bytes.chunks(BLOCK_BYTES).for_each(|piece| self.0.extend_from_slice(piece));
    }

    /// What came so far, and begins anew.
    pub(super) fn take(&mut self) -> PutPayload {
        mem::take(self).0.freeze()
    }
}

/// The way to a store, which all its uploads share: an upload that stands still while others move
/// may only be waiting for its turn, and is given twice as long.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Blocks that moved.
    moved: AtomicU64,
    under_way: AtomicU64,
}

impl Line {
    /// Watches an upload, and ends once its answer is not worth waiting for any longer. Looks are
    /// counted, and not time: while this process stands still, no server is to blame.
    pub(super) async fn watch(&self, payload: &PutPayload, silence: Duration) -> Impatience {
        let _place = Place::of(self);
        let mut pace = Pace::new(silence);
        loop {
            sleep(silence / LOOKS).await;
            let held = held(payload.as_ref());
            let moved = pace.moved(held);
            let look = Look {
                moved,
                is_held: held.is_some(),
                line: self.moved.fetch_add(moved, Ordering::Relaxed).saturating_add(moved),
                sharing: self.under_way.load(Ordering::Relaxed),
            };
            if let Some(cause) = pace.judge(&look) {
                return cause;
            }
        }
    }
}

/// The first and the last block that wait for the socket.
fn held(blocks: &[Bytes]) -> Option<(u64, u64)> {
    let held = |block: &Bytes| !block.is_unique();
    let (first, last) = (blocks.iter().position(held)?, blocks.iter().rposition(held)?);
    Some((first.try_into().ok()?, last.try_into().ok()?))
}

/// One upload of those that are under way.
struct Place<'a>(&'a Line);

impl<'a> Place<'a> {
    fn of(line: &'a Line) -> Self {
        line.under_way.fetch_add(1, Ordering::Relaxed);
        Self(line)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a look at an upload shows.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Blocks that moved since the last one.
    moved: u64,
    /// Whether blocks wait for the socket.
    is_held: bool,
    /// Blocks that ever moved on the line.
    line: u64,
    /// Uploads that share it, this one included.
    sharing: u64,
}

/// How an upload went so far; times are counted in looks.
#[derive(Debug)]
struct Pace {
    silence: Duration,
    /// The first and the last block that were seen to wait.
    at: Option<(u64, u64)>,
    line: u64,
    /// For how long nothing moved on the line, and nothing of this upload.
    still: u32,
    own_still: u32,
    /// For how long blocks waited, and for how long none does.
    sending: u32,
    sent: u32,
    /// Bytes that moved, and by how many it is behind its share.
    bytes: u64,
    behind: u64,
}

impl Pace {
    const fn new(silence: Duration) -> Self {
        Self {
            silence,
            at: None,
            line: 0,
            still: 0,
            own_still: 0,
            sending: 0,
            sent: 0,
            bytes: 0,
            behind: 0,
        }
    }

    /// How many blocks moved. Either end tells it: what an earlier try of the same payload left in
    /// the queue of a connection that is about to end does not move.
    fn moved(&mut self, held: Option<(u64, u64)>) -> u64 {
        let Some(now) = held else { return 0 };
        let before = self.at.replace(now).unwrap_or(now);
        now.0.saturating_sub(before.0).max(now.1.saturating_sub(before.1))
    }

    fn judge(&mut self, look: &Look) -> Option<Impatience> {
        let line_moved = mem::replace(&mut self.line, look.line) != look.line;
        if !look.is_held {
            self.sent += 1;
            // What the system took may still be on its way: for no longer than the rest took.
            let borne = LOOKS.saturating_add(self.sending.min(2 * LOOKS));
            return (self.sent >= borne).then(|| Impatience::Unanswered(self.time(self.sent)));
        }
        self.sent = 0;
        self.sending = self.sending.saturating_add(1);
        self.still = if line_moved { 0 } else { self.still + 1 };
        self.own_still = if look.moved > 0 { 0 } else { self.own_still + 1 };
        if self.still >= LOOKS || self.own_still >= 2 * LOOKS {
            return Some(Impatience::Stuck(self.time(self.own_still)));
        }
        self.is_too_slow(look)
            .then(|| Impatience::Slow { bytes: self.bytes, window: self.time(self.sending) })
    }

    fn is_too_slow(&mut self, look: &Look) -> bool {
        let silence = u64::try_from(self.silence.as_millis()).unwrap_or(u64::MAX);
        let of_a_silence = SLOWEST.saturating_mul(silence) / 1_000;
        let share = of_a_silence / u64::from(LOOKS) / look.sharing.max(1);
        let moved = look.moved.saturating_mul(u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX));
        self.bytes = self.bytes.saturating_add(moved);
        self.behind = self.behind.saturating_add(share).saturating_sub(moved);
        self.behind > of_a_silence.saturating_mul(2)
    }

    fn time(&self, looks: u32) -> Duration {
        self.silence.saturating_mul(looks) / LOOKS
    }
}

#[cfg(test)]
#[path = "sending_tests.rs"]
mod tests;
