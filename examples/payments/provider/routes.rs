use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::book::Verdict;
use super::moods::Mood;

/// How many payments are on a page.
const PAGE: usize = 10;

#[derive(Debug, Deserialize)]
struct PageQuery {
    page: usize,
    since: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct ChargeRequest {
    payment: String,
    cents: u64,
}

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/payments", get(payments))
        .route("/charges", post(charge))
        .layer(from_fn_with_state(shared.clone(), temper))
        .with_state(shared)
}

async fn payments(State(shared): State<Arc<Shared>>, Query(query): Query<PageQuery>) -> Response {
    let (payments, more) = shared.book().page(query.since, query.page, PAGE);
    Json(json!({ "payments": payments, "next": more.then_some(query.page + 1) })).into_response()
}

async fn charge(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(charge): Json<ChargeRequest>) -> Response {
    let Some(key) = headers.get("Idempotency-Key").and_then(|key| key.to_str().ok()) else {
        return (StatusCode::BAD_REQUEST, "expected an Idempotency-Key").into_response();
    };
    let verdict = shared.book().charge(key, &charge.payment, charge.cents);
    match verdict {
        Verdict::Charged => StatusCode::CREATED.into_response(),
        Verdict::Declined(reason) => (StatusCode::PAYMENT_REQUIRED, reason).into_response(),
        Verdict::NoSuchPayment => (StatusCode::NOT_FOUND, "there is no such payment").into_response(),
        Verdict::KeyMisused => (StatusCode::CONFLICT, "the key was used for another charge").into_response(),
    }
}

/// Limits, fails and loses, before and behind the rest.
async fn temper(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.moods.next() {
        Mood::Kind => next.run(request).await,
        Mood::Limited(wait) => {
            // Whole seconds, rounded up: that is all the header can say.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            (StatusCode::TOO_MANY_REQUESTS, [("Retry-After", seconds.to_string())]).into_response()
        }
        Mood::Fails => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::LosesTheAnswer => {
            next.run(request).await;
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}
