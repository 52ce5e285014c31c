//! The damage matrix: each way in which an object may be damaged, against each thing that its
//! sources may say, at the first heal and at the third.

use restock::model::{FailureReason, FindingKind, RepairResult, reason};
use restock::pass::PassReport;
use rstest::rstest;

use crate::support::http_server::Answer;
use crate::support::world::{Object, Row, World, briefly, repair};

/// What happened to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Absent,
    Half,
    Zero,
    Flipped,
    Extra,
}

/// What its sources say by the heal that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Good,
    Gone,
    OtherBytes,
    Down,
    NoSource,
    SecondGood,
}

impl Damage {
    /// The bytes that are left; `None` where nothing is.
    pub(crate) fn of(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut left = bytes.to_vec();
        match self {
            Self::Absent => return None,
            Self::Half => left.truncate(bytes.len() / 2),
            Self::Zero => left.clear(),
            Self::Flipped => left[bytes.len() / 2] ^= 0x01,
            Self::Extra => left.extend_from_slice(b"and more"),
        }
        Some(left)
    }

    /// Does it to an object.
    pub(crate) fn strike(self, world: &World, object: &Object) {
        match self.of(&object.bytes) {
            Some(bytes) => world.put(&object.key, &bytes),
            None => world.remove(&object.key),
        }
    }
}

impl Says {
    const fn ends(self) -> (RepairResult, Option<FailureReason>) {
        match self {
            Self::Good | Self::SecondGood => (RepairResult::Restored, None),
            Self::Gone => (RepairResult::SourceGone, Some(FailureReason::SourceGone)),
            Self::OtherBytes => (RepairResult::SourceDrifted, Some(FailureReason::SourceDrifted)),
            Self::Down => (RepairResult::Failed, Some(FailureReason::SourceUnavailable)),
            Self::NoSource => (RepairResult::Failed, None),
        }
    }

    fn answer(self, object: &Object) -> Answer {
        match self {
            Self::Good => Answer::ok(object.bytes.clone()),
            Self::OtherBytes => Answer::ok("other bytes"),
            Self::Gone | Self::SecondGood => Answer::status(404),
            Self::Down | Self::NoSource => Answer::status(500),
        }
    }
}

/// A world with one damaged object and the rows that its sources need.
async fn struck(damage: Damage, says: Says) -> (World, Object) {
    let (mut world, objects) = World::healthy(6).await;
    world.source_options.tries = 1;
    let object = objects[2].clone();
    let digest = object.digest;
    match says {
        Says::NoSource => {
            world.sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{digest}'")).await;
        }
        Says::SecondGood => {
            let url = Some(world.http.url("/second"));
            world.row(&Row { url, ..world.row_of(&object) }).await;
            world.http.route("/second", [Answer::status(500)]);
        }
        Says::Good | Says::Gone | Says::OtherBytes | Says::Down => {}
    }
    damage.strike(&world, &object);
    (world, object)
}

/// A heal that sees this damage; a flipped bit shows only to one that reads.
async fn heal(world: &World, damage: Damage) -> PassReport {
    if damage == Damage::Flipped { world.heal_deep().await } else { world.heal().await }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_damage_matrix(
    #[values(Damage::Absent, Damage::Half, Damage::Zero, Damage::Flipped, Damage::Extra)]
    damage: Damage,
    #[values(
        Says::Good,
        Says::Gone,
        Says::OtherBytes,
        Says::Down,
        Says::NoSource,
        Says::SecondGood
    )]
    says: Says,
    #[values(1, 3)] turn: u32,
) {
    let (world, object) = struck(damage, says).await;
    let before = world.store_content();
    let found = if damage == Damage::Absent {
        (FindingKind::Missing, object.key.clone(), None)
    } else {
        let evidence = Some(reason::DIGEST_MISMATCH.to_owned());
        (FindingKind::Corrupt, object.key.clone(), evidence)
    };
    world.answer(&object, [Answer::status(500)]);
    for _ in 1..turn {
        let report = heal(&world, damage).await;
        assert_eq!(repair(&report, &object).result, RepairResult::Failed);
        assert_eq!(briefly(&report), std::slice::from_ref(&found));
        assert!(world.store_content() == before, "an outage leaves the store as it is");
    }

    world.answer(&object, [says.answer(&object)]);
    world.http.route("/second", [Answer::ok(object.bytes.clone())]);
    let report = heal(&world, damage).await;
    let repair = repair(&report, &object);
    assert_eq!((repair.result, repair.reason), says.ends(), "{repair:?}");
    let after = world.store_content();
    if !repair.result.is_success() {
        assert_eq!((briefly(&report), report.summary.exit_code), (vec![found], 2));
        assert!(after == before, "byte-identical to before, and nothing beside it");
        let ledger = world.open_ledger().await;
        let (_, attempts) = ledger.attempts(&[object.digest]).await.unwrap().pop().unwrap();
        assert_eq!((attempts.failures, attempts.last_result), (turn, Some(repair.result)));
        return;
    }
    let mut expected = before;
    if let Some(bytes) = damage.of(&object.bytes) {
        let aside = format!("restock-quarantine/{}/{}", report.summary.pass_id, object.key);
        expected.insert(aside.into(), bytes);
    }
    expected.insert(object.key.clone().into(), object.bytes.clone());
    assert!(after == expected, "healed, and a copy of what was replaced: {:?}", after.keys());
    assert_eq!((briefly(&report), report.summary.exit_code), (vec![], 0));
    let clean = world.audit_deep().await;
    assert_eq!((clean.summary.exit_code, clean.plan.actions.len()), (0, 0));
}
