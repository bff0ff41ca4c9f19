use delta_core::plan;
use delta_core::{
    AbsentBy, Access, Desired, Due, DueQuery, Missing, Names, Outcome, Resource, ResourceId, Result, State, Timestamp,
};
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, woken};
use crate::informer::failure::Failure;
use crate::informer::hold::Hold;
use crate::informer::run::Run;
use crate::metrics;

/// Acts on what a full run did not mention. Returns on how many.
///
/// Where that is deletion, all is counted before anything is written, and nothing is if it is too many: of the objects
/// that are stored for this kind and namespace and neither deleted nor to be.
pub(super) async fn settle(run: &Run, hold: &mut Hold, stop: &CancellationToken) -> Result<u64, Failure> {
    let settings = &run.kind.settings;
    match settings.missing {
        Missing::Ignore => return Ok(0),
        Missing::Work => {}
        Missing::Delete => {
            let (missing, stored) = count(run, hold, stop).await?;
            let allowed = settings.missing_limit.allowed(stored);
            if missing > allowed {
                return Err(Failure::TooManyMissing { missing, stored, allowed });
            }
        }
    }
    let before = hold.surely_before();
    let mut pages = Pages::default();
    let mut acted = 0;
    while let Some(page) = pages.next(run, hold, stop).await? {
        let missing: Vec<Resource> = page.into_iter().filter(|row| is_missing(run, row, before)).collect();
        acted += act(run, hold, missing).await?;
    }
    metrics::missing(&run.kind.name, acted);
    Ok(acted)
}

async fn count(run: &Run, hold: &mut Hold, stop: &CancellationToken) -> Result<(u64, u64), Failure> {
    let before = hold.surely_before();
    let mut pages = Pages::default();
    let (mut missing, mut stored) = (0, 0);
    while let Some(page) = pages.next(run, hold, stop).await? {
        for row in page {
            stored += u64::from(row.desired == Desired::Present && row.state != State::Deleted);
            missing += u64::from(is_missing(run, &row, before));
        }
    }
    Ok((missing, stored))
}

/// Whether the object is gone outside: the run did not mention it, and it was in step, and left alone, since before the run
/// began. What a worker has yet to create, or has just created, is not missing.
fn is_missing(run: &Run, row: &Resource, before: Timestamp) -> bool {
    row.state == State::Synced
        && row.desired == Desired::Present
        && row.synced_generation == row.generation
        && row.synced_at.is_some_and(|at| at < before)
        && row.updated_at < before
        && row.state_since < before
        && !run.mentioned.contains(&row.key.object_id)
}

/// Writes one page. What another has changed since, or holds locked, is left to the next full run.
async fn act(run: &Run, hold: &mut Hold, missing: Vec<Resource>) -> Result<u64, Failure> {
    if missing.is_empty() {
        return Ok(0);
    }
    let engine = &run.client.engine;
    let policy = engine.inform_policy(&run.namespace, &run.kind.name);
    let now = engine.clock.now().unwrap_or(hold.began());
    let changes = missing.into_iter().filter_map(|row| match policy.missing {
        Missing::Delete => plan::request_deletion(row, AbsentBy::Missing, policy.event_objects, now).ok().flatten(),
        Missing::Work => plan::missing_work(row, &policy, now).ok(),
        Missing::Ignore => None,
    });
    let changes: Vec<_> = changes.collect();
    let lanes: Vec<_> = changes.iter().map(|change| woken(change, now)).collect();
    let receipt = hold.write(changes).await?;
    let mut acted = 0;
    for (outcome, lane) in receipt.outcomes.iter().zip(lanes) {
        if let Outcome::Applied(_) = outcome {
            acted += 1;
            engine.wake(lane);
        }
    }
    Ok(acted)
}

/// Pages through what is stored of the run's kind and namespace.
#[derive(Default)]
struct Pages {
    after: ResourceId,
    done: bool,
}

impl Pages {
    async fn next(
        &mut self,
        run: &Run,
        hold: &mut Hold,
        stop: &CancellationToken,
    ) -> Result<Option<Vec<Resource>>, Failure> {
        if self.done {
            return Ok(None);
        }
        if stop.is_cancelled() {
            return Err(Failure::Stopped);
        }
        if hold.renew_in().is_zero() {
            hold.renew().await?;
        }
        let engine = &run.client.engine;
        let query = DueQuery {
            due: Due::Missing { after: self.after },
            namespaces: Names::one(run.namespace.clone()),
            kinds: Names::one(run.kind.name.clone()),
            limit: engine.settings.cleaner_batch,
        };
        let mut session = engine.session(Access::Read).await?;
        let page = session.due_dyn(&query).await;
        Engine::release(session, page.as_ref().err());
        let page = page?;
        match page.last() {
            Some(last) => self.after = last.id,
            None => self.done = true,
        }
        Ok((!self.done).then_some(page))
    }
}
