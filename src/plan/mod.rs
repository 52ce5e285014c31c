//! Findings to a plan: pure decisions. Nothing here acts, waits or asks for the time.

mod accepted;
mod aside;
mod backoff;
mod breaker;
mod healable;
mod make;
mod options;
mod orphan;
mod orphans_plan;
mod rotation;
mod turn;

pub use accepted::{accepted_now, ran_out};
pub use aside::{Aside, AsideKind};
pub use backoff::next_try;
pub use breaker::{PassCounts, acknowledge, judge_breaker};
pub use healable::{SourceStanding, switched_off, unhealable, unhealable_from};
pub use make::{Action, Hold, Plan, PlanIdentity, Step, Target, make_plan};
pub use options::{BreakerOptions, HealOptions, OrphanOptions};
pub use orphan::{OrphanSeen, judge_orphan};
pub use orphans_plan::{Disposal, OrphanEntry, OrphansPlan, is_own_key, orphan_copy};
pub use rotation::{Reading, Rotation};
pub use turn::BreakerTurn;
