//! Answering the breaker of a running daemon.

use crate::ledger::Ledger;
use crate::model::{BreakerReason, BreakerState, error_chain};
use crate::plan;

use super::OrderError;

/// Answers the breaker with the number that it prints; any other is refused.
pub(super) async fn acknowledge(
    ledger: &dyn Ledger,
    reason: BreakerReason,
    number: u64,
) -> Result<(), OrderError> {
    let failed = |error| OrderError::Failed(error_chain(&error));
    let latched = ledger.breaker().await.map_err(failed)?;
    let Some(state) = latched.filter(BreakerState::is_open) else {
        return Err(OrderError::Refused("the breaker is closed: nothing is asked".to_owned()));
    };
    let answered = plan::acknowledge(&state, reason, number).map_err(|asked| {
        let opened = state.reason.as_str();
        OrderError::Refused(format!("the breaker opened for {opened} and asks for {asked}"))
    })?;
    if ledger.swap_breaker(Some(&state), Some(&answered)).await.map_err(failed)? {
        return Ok(());
    }
    Err(OrderError::Refused("the breaker has just changed: look at it again".to_owned()))
}
