use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::{Stream, stream};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::payment::Payment;

/// Calls to the provider.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: Client,
    url: String,
}

/// How a call failed.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// Too many calls: wait so long.
    Limited(Duration),
    /// The provider refuses for good, with a reason.
    Refused(String),
    /// The provider, or the way there, is out of order: whether the call was heard is not known.
    Failed(String),
}

#[derive(Debug, Deserialize)]
struct Page {
    payments: Vec<Payment>,
    next: Option<u32>,
}

impl Api {
    pub(crate) fn new(url: &str) -> Self {
        Self { http: Client::new(), url: url.to_owned() }
    }

    /// All payments since a time, page by page. It ends at the first error.
    pub(crate) fn payments(
        &self,
        since: Option<DateTime<Utc>>,
    ) -> impl Stream<Item = Result<Payment, ApiError>> + use<> {
        let api = self.clone();
        let pages = stream::unfold(Some(0), move |page| {
            let api = api.clone();
            async move {
                let page = api.page_or_again(page?, since).await;
                Some(match page {
                    Ok(Page { payments, next }) => (payments.into_iter().map(Ok).collect(), next),
                    Err(error) => (vec![Err(error)], None),
                })
            }
        });
        futures::StreamExt::flat_map(pages, |items: Vec<_>| stream::iter(items))
    }

    /// A page, asked for once more if the first call fails: a list may be asked for as often as one likes.
    async fn page_or_again(&self, page: u32, since: Option<DateTime<Utc>>) -> Result<Page, ApiError> {
        match self.page(page, since).await {
            Err(ApiError::Limited(wait)) => {
                sleep(wait).await;
                self.page(page, since).await
            }
            Err(ApiError::Failed(_)) => self.page(page, since).await,
            answer => answer,
        }
    }

    async fn page(&self, page: u32, since: Option<DateTime<Utc>>) -> Result<Page, ApiError> {
        let mut query = vec![("page", page.to_string())];
        query.extend(since.map(|since| ("since", since.to_rfc3339_opts(SecondsFormat::Micros, true))));
        let answer = self.http.get(format!("{}/payments", self.url)).query(&query).send().await?;
        Ok(checked(answer).await?.json().await?)
    }

    /// Charges a customer. However often it is called with one key, it is charged once.
    pub(crate) async fn charge(&self, payment: &Payment, idempotency_key: &str) -> Result<(), ApiError> {
        let charge = json!({ "payment": payment.id, "cents": payment.cents });
        let request = self.http.post(format!("{}/charges", self.url)).header("Idempotency-Key", idempotency_key);
        checked(request.json(&charge).send().await?).await.map(|_| ())
    }
}

#[expect(clippy::disallowed_methods, reason = "the provider says how long to wait")]
async fn sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}

async fn checked(answer: Response) -> Result<Response, ApiError> {
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::TOO_MANY_REQUESTS => Err(ApiError::Limited(retry_after(answer.headers()))),
        status if status.is_client_error() => Err(ApiError::Refused(answer.text().await?)),
        status => Err(ApiError::Failed(format!("the provider answered {status}"))),
    }
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(wait) => write!(f, "too many calls, the next in {wait:?}"),
            Self::Refused(reason) | Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
