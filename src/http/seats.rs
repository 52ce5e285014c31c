//! [`Seats`]: who may be connected. A client that does not send its request, or does not read the
//! answer, loses its seat to one who comes, so that nobody keeps others out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::access::Peer;

/// How long a client keeps its seat in any case before it asks: a head that has arrived may not have
/// been read yet.
const UNDISTURBED: Duration = Duration::from_millis(500);

/// How long it keeps it to read its answer.
const READING: Duration = Duration::from_secs(5);

/// The seats of one listener.
#[derive(Debug)]
pub(super) struct Seats {
    at_most: usize,
    /// Clients of one peer that we wait for.
    of_one_peer: usize,
    guests: Mutex<Guests>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Guests {
    next: u64,
    seated: BTreeMap<u64, Guest>,
}

#[derive(Debug)]
struct Guest {
    peer: Peer,
    /// From when on others may have its seat; `None` while it is being answered.
    leaves_from: Option<Instant>,
    leave: CancellationToken,
}

/// The seat of one connection, given back with the last clone.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    leave: CancellationToken,
}

/// A request that is being answered: its client keeps its seat.
pub(super) struct Asked(Arc<Seat>);

impl Seats {
    /// So many at once, and so many of one peer that keep us waiting.
    pub(super) fn new(at_most: usize, of_one_peer: usize) -> Arc<Self> {
        let (guests, freed) = (Mutex::default(), Notify::new());
        Arc::new(Self { at_most, of_one_peer, guests, freed })
    }

    /// Waits until one more can be seated.
    pub(super) async fn room(&self) {
        while let Err(wait) = self.make_room() {
            tokio::select! {
                () = self.freed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Seats a client.
    pub(super) fn seat(self: &Arc<Self>, peer: Peer) -> Arc<Seat> {
        let (mut guests, now) = (self.guests(), Instant::now());
        let awaited = |guest: &&Guest| guest.peer == peer && guest.leaves_from.is_some();
        if guests.seated.values().filter(awaited).count() >= self.of_one_peer
            && let Some(first) = guests.first_to_leave(now, |guest| guest.peer == peer)
        {
            guests.send_away(first);
        }
        let (number, leave) = (guests.next, CancellationToken::new());
        guests.next = number.wrapping_add(1);
        let leaves_from = Some(now + UNDISTURBED);
        let guest = Guest { peer, leaves_from, leave: leave.clone() };
        guests.seated.insert(number, guest);
        Arc::new(Seat { seats: Arc::clone(self), number, leave })
    }

    /// Sends somebody away if all seats are taken; where nobody can be, how long to wait.
    fn make_room(&self) -> Result<(), Duration> {
        let (mut guests, now) = (self.guests(), Instant::now());
        if guests.seated.len() < self.at_most {
            return Ok(());
        }
        let mut of_peers = HashMap::<Peer, (usize, Reverse<Option<Instant>>)>::new();
        for guest in guests.seated.values().filter(|guest| guest.may_leave(now)) {
            let (count, first) = of_peers.entry(guest.peer).or_insert((0, Reverse(Some(now))));
            *count += 1;
            first.0 = first.0.min(guest.leaves_from);
        }
        let most = of_peers.into_iter().max_by_key(|(_, known)| *known).map(|(peer, _)| peer);
        let first = most.and_then(|most| guests.first_to_leave(now, |guest| guest.peer == most));
        match first {
            Some(first) => {
                guests.send_away(first);
                Ok(())
            }
            None => Err(UNDISTURBED / 5),
        }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    /// The one that we have waited for longest, among these.
    fn first_to_leave(&self, now: Instant, among: impl Fn(&Guest) -> bool) -> Option<u64> {
        let may = self.seated.iter().filter(|(_, guest)| among(guest) && guest.may_leave(now));
        may.min_by_key(|(_, guest)| guest.leaves_from).map(|(number, _)| *number)
    }

    fn send_away(&mut self, number: u64) {
        if let Some(guest) = self.seated.remove(&number) {
            guest.leave.cancel();
        }
    }
}

impl Guest {
    fn may_leave(&self, now: Instant) -> bool {
        self.leaves_from.is_some_and(|from| from <= now)
    }
}

impl Seat {
    /// A request came over this connection, and is answered from here on.
    pub(super) fn asked(self: &Arc<Self>) -> Asked {
        self.leaves_from(None);
        Asked(Arc::clone(self))
    }

    /// The request waits for its turn, as many do: others may have its seat.
    pub(super) fn waits(&self) {
        self.leaves_from(Some(Instant::now() + UNDISTURBED));
    }

    /// It has its turn.
    pub(super) fn is_answered(&self) {
        self.leaves_from(None);
    }

    /// Ends when the client has lost its seat.
    pub(super) async fn lost(&self) {
        self.leave.cancelled().await;
    }

    fn leaves_from(&self, from: Option<Instant>) {
        if let Some(guest) = self.seats.guests().seated.get_mut(&self.number) {
            guest.leaves_from = from;
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.leaves_from(Some(Instant::now() + READING));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.guests().seated.remove(&self.number);
        self.seats.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use futures::FutureExt;
    use tokio::time::advance;

    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    fn is_lost(seat: &Seat) -> bool {
        seat.lost().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_no_head_makes_room_and_who_is_being_answered_does_not() {
        let seats = Seats::new(3, 3);
        let slow = seats.seat(peer(1));
        let answered = seats.seat(peer(1));
        let asked = answered.asked();
        advance(Duration::from_millis(1)).await;
        let fresh = seats.seat(peer(2));
        assert!(seats.room().now_or_never().is_none(), "a head may be on its way");
        advance(UNDISTURBED).await;
        seats.room().await;
        assert!(is_lost(&slow) && !is_lost(&answered) && !is_lost(&fresh));
        // A client that does not read its answer is one that we wait for.
        drop(asked);
        let other = seats.seat(peer(3));
        let _busy = (fresh.asked(), other.asked());
        advance(UNDISTURBED).await;
        assert!(seats.room().now_or_never().is_none(), "it has some time to read");
        advance(READING).await;
        seats.room().await;
        assert!(is_lost(&answered) && !is_lost(&fresh));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_with_many_makes_room_for_others_and_has_a_bound_of_its_own() {
        let seats = Seats::new(6, 4);
        let one = seats.seat(peer(9));
        let many: Vec<_> = (0..4).map(|_| seats.seat(peer(1))).collect();
        advance(UNDISTURBED).await;
        let fifth = seats.seat(peer(1));
        assert!(is_lost(&many[0]) && !is_lost(&many[1]) && !is_lost(&fifth));
        let _last = seats.seat(peer(2));
        seats.room().await;
        assert!(is_lost(&many[1]) && !is_lost(&many[2]) && !is_lost(&one));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_makes_room_and_who_has_it_does_not() {
        let seats = Seats::new(1, 1);
        let (waiting, served) = (seats.seat(peer(1)), seats.seat(peer(2)));
        let _both = (waiting.asked(), served.asked());
        for seat in [&waiting, &served] {
            seat.waits();
        }
        served.is_answered();
        advance(UNDISTURBED).await;
        assert!(seats.room().now_or_never().is_some());
        assert!(is_lost(&waiting) && !is_lost(&served));
        assert!(seats.room().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_seat_that_is_given_back_is_free() {
        let seats = Seats::new(1, 1);
        let seat = seats.seat(peer(1));
        let asked = seat.asked();
        let waits = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { seats.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop((asked, seat));
        waits.await.unwrap();
    }
}
