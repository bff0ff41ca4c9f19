use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use delta::core::{Desired, Resource};
use delta::{Action, Layer, Next, WorkContext, WorkError};
use futures::future::BoxFuture;

use super::call::{Answer, Call, Method};
use super::time::VirtualTime;

/// Writes down every call of the controller. It is the innermost layer, so it sees what the controller itself says.
#[derive(Clone)]
pub(super) struct Recorder {
    calls: Arc<Mutex<Vec<Call>>>,
    time: VirtualTime,
}

impl Recorder {
    pub(super) fn new(time: VirtualTime) -> Self {
        Self { calls: Arc::default(), time }
    }

    /// All calls so far, in the order in which they began.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.with(|calls| calls.clone())
    }

    fn with<T>(&self, with: impl FnOnce(&mut Vec<Call>) -> T) -> T {
        with(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self, cx: &WorkContext, row: &Resource) -> Open<'_> {
        let call = Call {
            key: row.key.clone(),
            method: match row.desired {
                Desired::Present => Method::Work,
                Desired::Absent(_) => Method::Delete,
            },
            generation: row.generation,
            attempt: cx.attempt(),
            idempotency_key: cx.idempotency_key().to_owned(),
            at: self.time.elapsed(),
            took: std::time::Duration::ZERO,
            answer: Answer::None,
        };
        let number = self.with(|calls| {
            calls.push(call);
            calls.len() - 1
        });
        Open { recorder: self, number, answer: None }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("calls", &self.with(|calls| calls.len())).finish_non_exhaustive()
    }
}

impl Layer for Recorder {
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a Resource,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        Box::pin(async move {
            let mut call = self.begin(cx, row);
            let answer = next.work(cx, row).await;
            call.answer = Some(match &answer {
                Ok(action) => Answer::Action(action.clone()),
                Err(error) => Answer::Error(delta::testing::message(error)),
            });
            answer
        })
    }
}

/// A call that has begun; written down whole when it is dropped, however it ends.
struct Open<'a> {
    recorder: &'a Recorder,
    number: usize,
    answer: Option<Answer>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let unanswered = if std::thread::panicking() { Answer::Panicked } else { Answer::None };
        let answer = self.answer.take().unwrap_or(unanswered);
        let now = self.recorder.time.elapsed();
        self.recorder.with(|calls| {
            let call = &mut calls[self.number];
            call.took = now.saturating_sub(call.at);
            call.answer = answer;
        });
    }
}
