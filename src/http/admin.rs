//! The admin routes: orders to the daemon.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::daemon::{Activity, Order, OrderError};
use crate::model::{BreakerReason, Depth};

use super::answer::{Answer, Problem, value};
use super::panel::Served;

/// Bytes of a body.
const BODY_BYTES: usize = 16 << 10;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

/// How long the daemon may take to take an order …
const ORDER_TIME: Duration = Duration::from_secs(5);
/// … and to answer it.
const ANSWER_TIME: Duration = Duration::from_secs(15);

type Answered = Result<Answer, Problem>;

#[derive(Serialize)]
struct Accepted {
    status: &'static str,
}

/// What a person asks with a pass.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PassBody {
    depth: Option<Depth>,
}

/// The number with which a person answers the breaker.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AckBody {
    expect_missing: Option<u64>,
    expect_records: Option<u64>,
}

/// What needs no words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

/// `POST /api/v1/passes`.
pub(super) async fn pass(State(served): State<Arc<Served>>, body: Body) -> Answer {
    let done = async {
        let PassBody { depth } = read(body).await?;
        active(&served)?;
        give(&served, Order::Pass(depth.unwrap_or(Depth::Shallow))).await?;
        let mut answer = accepted("accepted");
        let place = HeaderValue::from_static("/api/v1/status");
        answer.headers_mut().insert(header::LOCATION, place);
        Ok(answer)
    };
    either(done.await)
}

/// `POST /api/v1/heal/pause`.
pub(super) async fn pause(State(served): State<Arc<Served>>, body: Body) -> Answer {
    either(plain(&served, body, Order::Pause).await)
}

/// `POST /api/v1/heal/resume`.
pub(super) async fn resume(State(served): State<Arc<Served>>, body: Body) -> Answer {
    either(plain(&served, body, Order::Resume).await)
}

/// `POST /api/v1/breaker/ack`.
pub(super) async fn acknowledge(State(served): State<Arc<Served>>, body: Body) -> Answer {
    let done = async {
        let (reason, number) = match read(body).await? {
            AckBody { expect_missing: Some(n), expect_records: None } => {
                (BreakerReason::MassMissing, n)
            }
            AckBody { expect_missing: None, expect_records: Some(n) } => {
                (BreakerReason::InventoryShrunk, n)
            }
            AckBody { .. } => {
                let why = "write {\"expect_missing\": N} or {\"expect_records\": N}, with the \
                           number that the breaker shows";
                return Err(Problem::new(StatusCode::BAD_REQUEST, why));
            }
        };
        active(&served)?;
        let (answer, answered) = oneshot::channel();
        give(&served, Order::Acknowledge { reason, number, answer }).await?;
        obeyed(answered).await
    };
    either(done.await)
}

/// `POST /-/reload`.
pub(super) async fn reload(State(served): State<Arc<Served>>, body: Body) -> Answer {
    let done = async {
        let NoBody {} = read(body).await?;
        let (answer, answered) = oneshot::channel();
        give(&served, Order::Reload { answer }).await?;
        obeyed(answered).await
    };
    either(done.await)
}

async fn plain(served: &Served, body: Body, order: Order) -> Answered {
    let NoBody {} = read(body).await?;
    active(served)?;
    give(served, order).await?;
    Ok(accepted("accepted"))
}

fn either(answered: Answered) -> Answer {
    answered.unwrap_or_else(Answer::from)
}

fn accepted(status: &'static str) -> Answer {
    value(StatusCode::ACCEPTED, &Accepted { status })
}

/// A body; none at all says nothing.
async fn read<T: DeserializeOwned + Default>(body: Body) -> Result<T, Problem> {
    let too_long = || {
        let why = format!("the body did not come whole, or has more than {BODY_BYTES} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    // What says that it is too long is not waited for.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least > BODY_BYTES) {
        return Err(too_long());
    }
    let come = timeout(BODY_TIME, to_bytes(body, BODY_BYTES)).await;
    let bytes = come
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come"))?
        .map_err(|_| too_long())?;
    if bytes.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}"))
    })
}

/// Orders that change something are for the instance that works on the store.
fn active(served: &Served) -> Result<(), Problem> {
    let why = match served.state().activity {
        Activity::Idle | Activity::Pass { .. } => return Ok(()),
        Activity::Starting => "the daemon has not begun yet",
        Activity::Standby => "this instance is a spare: ask the one that holds the lock",
        Activity::Draining => "the daemon ends",
    };
    Err(Problem::new(StatusCode::CONFLICT, why))
}

async fn give(served: &Served, order: Order) -> Result<(), Problem> {
    let given = served.panel.orders.to.send_timeout(order, ORDER_TIME).await;
    given.map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon takes no orders at the moment")
    })
}

/// What became of an order. Of one that takes long nobody has to wait for the end.
async fn obeyed(answered: oneshot::Receiver<Result<(), OrderError>>) -> Answered {
    match timeout(ANSWER_TIME, answered).await {
        Ok(Ok(Ok(()))) => Ok(accepted("done")),
        Ok(Ok(Err(OrderError::Refused(why)))) => Err(Problem::new(StatusCode::CONFLICT, why)),
        Ok(Ok(Err(OrderError::Failed(why)))) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why))
        }
        Ok(Err(_)) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon ends")),
        Err(_) => Ok(accepted("accepted")),
    }
}
