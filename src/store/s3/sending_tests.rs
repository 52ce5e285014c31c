//! Uploads to connections that take their blocks slowly, in turn, or not at all; no clock is waited
//! for.

use std::collections::VecDeque;
use std::future::pending;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::*;

const SILENCE: Duration = Duration::from_secs(30);
/// Blocks of a part of 8 MiB.
const BLOCKS: u64 = 256;

fn part() -> PutPayload {
    let mut blocks = Blocks::default();
    blocks.extend(&vec![0; 8 << 20]);
    blocks.take()
}

/// Takes blocks as a connection does: a few wait, and one is written in so many milliseconds. After
/// so many blocks it stands still.
async fn take(payload: PutPayload, blocks: u64, every: u64) {
    let (mut blocks, mut waiting) = (0..blocks, VecDeque::new());
    let mut coming = payload.into_iter();
    loop {
        waiting.extend(coming.by_ref().take(12 - waiting.len()));
        if waiting.is_empty() {
            return;
        }
        if blocks.next().is_none() {
            return pending().await;
        }
        sleep(Duration::from_millis(every)).await;
        waiting.pop_front();
    }
}

/// How an upload of a part ends that is done once `server` is, and after how many seconds.
async fn upload(
    line: &Line,
    part: &PutPayload,
    server: impl Future<Output = ()>,
) -> (Result<(), Impatience>, u64) {
    let began = Instant::now();
    let outcome = tokio::select! {
        () = server => Ok(()),
        cause = line.watch(part, SILENCE) => Err(cause),
    };
    (outcome, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_part_whose_bytes_stop_moving_is_given_up_after_the_silence() {
    for (blocks, every, moving) in [(0, 0, 0), (100, 1, 0), (100, 500, 50)] {
        let part = part();
        let (outcome, took) =
            upload(&Line::default(), &part, take(part.clone(), blocks, every)).await;
        assert_eq!(outcome, Err(Impatience::Stuck(SILENCE)), "{blocks}");
        assert!((30..=32).contains(&(took - moving)), "{blocks}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_all_sent_is_answered_within_the_silence_or_given_up() {
    let answered = |part: &PutPayload, every, after| {
        let taken = take(part.clone(), BLOCKS, every);
        async move {
            taken.await;
            sleep(Duration::from_secs(after)).await;
        }
    };
    let line = Line::default();
    let part = part();
    let (outcome, _) = upload(&line, &part, answered(&part, 1, 28)).await;
    assert_eq!(outcome, Ok(()));
    let (outcome, took) = upload(&line, &part, answered(&part, 1, 3_600)).await;
    assert_eq!((outcome, took), (Err(Impatience::Unanswered(SILENCE)), 30));
    // The last bytes of a slow line may be on their way for as long as the others, or a minute.
    let (outcome, _) = upload(&line, &part, answered(&part, 100, 50)).await;
    assert_eq!(outcome, Ok(()));
    let (outcome, took) = upload(&line, &part, answered(&part, 900, 3_600)).await;
    assert!(matches!(outcome, Err(Impatience::Unanswered(_))) && took <= 231 + 90, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_slow_and_steady_is_no_silence_unless_it_is_too_slow() {
    let (line, part) = (Line::default(), part());
    let (outcome, took) = upload(&line, &part, take(part.clone(), BLOCKS, 1_000)).await;
    assert_eq!((outcome, took), (Ok(()), BLOCKS));
    let (outcome, took) = upload(&line, &part, take(part.clone(), BLOCKS, 5_000)).await;
    let Err(Impatience::Slow { bytes, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(bytes <= 16 * (32 << 10) && took <= 80, "{bytes} in {took}");
}

/// Parts of which none has to do with another.
fn parts_of(n: usize) -> Vec<PutPayload> {
    (0..n).map(|_| part()).collect()
}

/// Uploads parts over a line that carries one of them at a time, and gives how the last ends.
async fn in_turn(line: &Line, parts: usize, every: u64) -> (Result<(), Impatience>, u64) {
    let (turn, parts) = (Mutex::new(()), parts_of(parts));
    let uploads = parts.iter().map(|part| {
        // Some blocks wait from the start.
        let held: Vec<Bytes> = part.as_ref().iter().take(12).cloned().collect();
        upload(line, part, async {
            let _turn = turn.lock().await;
            drop(held);
            take(part.clone(), BLOCKS, every).await;
        })
    });
    futures::future::join_all(uploads).await.into_iter().max_by_key(|(_, took)| *took).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_part_that_stands_still_while_others_move_only_waits_for_its_turn() {
    let (outcome, took) = in_turn(&Line::default(), 2, 200).await;
    assert_eq!((outcome, took), (Ok(()), 102));
}

#[tokio::test(start_paused = true)]
async fn parts_that_share_a_narrow_line_need_move_no_more_than_it_together() {
    let (line, parts) = (Line::default(), parts_of(8));
    let uploads = parts.iter().map(|part| upload(&line, part, take(part.clone(), 256, 6_000)));
    let ends = futures::future::join_all(uploads).await;
    assert!(ends.iter().all(|(outcome, took)| outcome.is_ok() && *took == 6 * BLOCKS), "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn a_part_that_never_moves_while_others_do_is_given_up_after_twice_the_silence() {
    let (line, [stuck, moving]) = (Line::default(), [part(), part()]);
    let moves = upload(&line, &moving, take(moving.clone(), BLOCKS, 500));
    let stands = upload(&line, &stuck, take(stuck.clone(), 0, 0));
    let ((other, _), (outcome, took)) = futures::future::join(moves, stands).await;
    assert_eq!((other, outcome), (Ok(()), Err(Impatience::Stuck(2 * SILENCE))));
    assert!(took <= 61, "{took}");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_try_left_behind_hides_no_movement() {
    let part = part();
    let _left: Vec<Bytes> = part.as_ref().iter().skip(100).take(12).cloned().collect();
    let (outcome, took) = upload(&Line::default(), &part, take(part.clone(), BLOCKS, 500)).await;
    assert_eq!((outcome, took), (Ok(()), 128));
}
