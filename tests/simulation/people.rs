//! What people tell restock, and ask it.

use restock::ledger::Ledger as _;
use restock::model::BreakerReason;
use restock::plan::acknowledge;
use restock::store::{Certainty, Prober};

use crate::pass::Observed;
use crate::play::Player;
use crate::step::Fault;
use crate::things::things;

impl Player {
    pub(crate) async fn acknowledge(&mut self, right: bool) {
        let Some(state) = self.world.ledger.breaker().await.unwrap() else { return };
        let number = match state.reason {
            BreakerReason::MassMissing => state.missing,
            BreakerReason::InventoryShrunk => state.expected,
        };
        let number = if right { number } else { number + 1 };
        match acknowledge(&state, state.reason, number) {
            Ok(agreed) if right => {
                self.reach("the breaker was acknowledged");
                self.world.ledger.swap_breaker(Some(&state), Some(&agreed)).await.unwrap();
            }
            Err(asked) if !right => assert_ne!(asked, number),
            other => {
                self.wrong.push(format!("the breaker takes {number} for {state:?}: {other:?}"));
            }
        }
    }

    pub(crate) async fn accept(&mut self, n: usize) {
        let accepted = restock::model::Acceptance {
            digest: things()[n].digest,
            until: "2026-09-30".parse().unwrap(),
            reason: "known".to_owned(),
        };
        self.world.ledger.put_accepted(&accepted).await.unwrap();
    }

    /// `restock probe`: present and absent are said only of what is so.
    pub(crate) async fn probe(&mut self, n: usize, faults: &[Fault]) {
        let before = self.begin().await;
        self.world.fate.deal(0, faults, &[], None, (false, false, false));
        let (store, thing) = (self.world.store(0), &things()[n]);
        let ask = async {
            match Prober::new(&*store).await {
                Ok(prober) => prober.ask(&thing.key).await,
                Err(error) => Certainty::Unknown(error.to_string()),
            }
        };
        let said = tokio::select! {
            biased;
            () = self.world.fate.death(0) => return,
            said = ask => said,
        };
        let Observed { objects, seen, .. } = self.observed(before.objects);
        let lay = &objects[&thing.key];
        let (was_there, was_away) =
            (lay.iter().any(Option::is_some), lay.iter().any(Option::is_none));
        let touched = seen.all || seen.keys.contains(&thing.key);
        let lied = seen.ghosts.contains(&thing.key) || seen.denied.contains(&thing.key);
        // Where no listing showed that a store answers, anybody may have answered.
        let right = match said {
            Certainty::Present(_) => !seen.all && (was_there || lied),
            Certainty::Absent => !seen.all && (was_away || lied),
            Certainty::Unknown(_) => touched,
        };
        if !right {
            self.wrong.push(format!("I5: a probe of {} says {said:?}", thing.key));
        }
    }
}
