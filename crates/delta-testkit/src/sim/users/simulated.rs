use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use delta::core::{Override, RetryPolicy};
use delta::{Action, Controller, InformContext, InformError, Resource, WorkContext, WorkError};
use futures::stream::Stream;

use super::judge::Judge;
use crate::history::What;
use crate::sim::fault::FaultId;
use crate::sim::model::Life;

/// A user's controller within a simulation: some of its attempts fail, panic or hang, before or after its own part of them,
/// and the world is judged before and after that.
pub(super) struct Simulated<C, W> {
    pub(super) controller: C,
    pub(super) life: Life,
    pub(super) judge: Arc<Judge<W>>,
}

/// What becomes of an attempt beside what the controller says.
#[derive(Clone, Copy)]
struct Mishap {
    kind: &'static str,
    after: bool,
}

impl<C, W: Send + Sync + 'static> Simulated<C, W> {
    fn draw(&self) -> Option<Mishap> {
        let Life { sim, actor, .. } = &self.life;
        let number = sim.count(actor, "worker");
        let mut draw = sim.chance().draw(actor.as_str(), "worker", number);
        let id = FaultId { actor: actor.clone(), what: "worker".to_owned(), number };
        if !draw.happens(sim.rates().worker) || !sim.hits(id) {
            return None;
        }
        let kind = *draw.one_of(&["worker-fails", "worker-panics", "worker-hangs"]);
        let mishap = Mishap { kind, after: draw.happens(700) };
        let when = if mishap.after { "after" } else { "before" };
        let what = format!("{when} the controller's part of attempt {number} of this process");
        sim.record(actor, What::Fault { kind: kind.to_owned(), what });
        Some(mishap)
    }

    async fn call(&self, part: impl Future<Output = Result<Action, WorkError>>) -> Result<Action, WorkError> {
        self.judge.now();
        let mishap = self.draw();
        if let Some(mishap) = mishap.filter(|mishap| !mishap.after) {
            return mishap.happens().await;
        }
        let answer = part.await;
        self.judge.now();
        match mishap {
            // What has settled itself has, whatever comes then.
            Some(mishap) if !matches!(answer, Ok(Action::Settled)) => mishap.happens().await,
            _ => answer,
        }
    }
}

impl Mishap {
    async fn happens(self) -> Result<Action, WorkError> {
        match self.kind {
            "worker-fails" => Err(WorkError::retry("simulated: the worker failed")),
            // Unlike `panic!`, this prints nothing.
            "worker-panics" => resume_unwind(Box::new("simulated: the worker panicked")),
            _ => std::future::pending().await,
        }
    }
}

impl<C: Controller, W: Send + Sync + 'static> Controller for Simulated<C, W> {
    type Object = C::Object;

    async fn work(&self, cx: &WorkContext, resource: &Resource<C::Object>) -> Result<Action, WorkError> {
        self.call(self.controller.work(cx, resource)).await
    }

    async fn delete(&self, cx: &WorkContext, resource: &Resource<C::Object>) -> Result<Action, WorkError> {
        self.call(self.controller.delete(cx, resource)).await
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<C::Object, InformError>> + Send {
        self.controller.inform(cx)
    }

    fn work_timeout(&self, resource: &Resource<C::Object>) -> Override<Duration> {
        self.controller.work_timeout(resource)
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        self.controller.retry_policy()
    }
}
