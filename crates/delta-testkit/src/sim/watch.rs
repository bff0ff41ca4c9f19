use delta::core::{ObjectHash, Resource};
use delta::{Action, Layer, Next, WorkContext, WorkError};
use futures::future::BoxFuture;

use super::world::Sim;
use crate::history::{Actor, Answer, Attempt, What};

/// Records every call of a controller. The innermost layer, so it sees what the controller itself says.
pub(super) struct Watch {
    sim: Sim,
    actor: Actor,
}

impl Watch {
    pub(super) fn new(sim: Sim, actor: Actor) -> Self {
        Self { sim, actor }
    }
}

impl Layer for Watch {
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a Resource,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        let Some(attempt) = Attempt::of(row) else { return next.work(cx, row) };
        Box::pin(async move {
            if let Some(detail) = &row.detail {
                self.sim.record(&self.actor, What::Given(attempt.clone(), ObjectHash::of(&detail.object)));
            }
            self.sim.record(&self.actor, What::Began(attempt.clone()));
            let mut call = Call { watch: self, attempt, answer: None };
            let answer = next.work(cx, row).await;
            call.answer = Some(match &answer {
                Ok(Action::Synced) => Answer::Synced,
                Ok(Action::Snooze(_)) => Answer::Snoozed,
                Ok(Action::Delete { .. }) => Answer::Deleted,
                Ok(Action::Settled) => Answer::Settled,
                Ok(_) => Answer::Error("an answer that this version does not know".to_owned()),
                Err(error) => Answer::Error(delta::testing::message(error)),
            });
            answer
        })
    }
}

/// A call that has begun: its end is recorded however it ends.
struct Call<'a> {
    watch: &'a Watch,
    attempt: Attempt,
    answer: Option<Answer>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let unanswered = if std::thread::panicking() { Answer::Panicked } else { Answer::Dropped };
        let answer = self.answer.take().unwrap_or(unanswered);
        self.watch.sim.record(&self.watch.actor, What::Ended(self.attempt.clone(), answer));
    }
}
