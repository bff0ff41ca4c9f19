use delta_core::Resource;
use delta_core::transition::Effect;

use super::invariant::Invariant;
use super::steps::{Explained, Path, Steps};
use crate::history::{Entry, What};

/// Every write of a row is an edge of the transition table, changes what its effect names, and counts the version up by one
/// (a heartbeat does not).
///
/// Informs that fold into one write are as many edges; so are a settlement and the claim that travels with it.
#[derive(Default)]
pub struct LegalTransitions {
    steps: Steps,
}

impl Invariant for LegalTransitions {
    fn name(&self) -> &'static str {
        "a row changes only along the transition table"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let What::Row { before, after } = &entry.what else { return Ok(()) };
        let (before, after) = (before.as_deref(), after.as_deref());
        let fits = match self.steps.explain(before, after) {
            Explained::Unclear => Ok(()),
            Explained::By(paths) => {
                let frames = paths.iter().map(|path| frame(path, before, after));
                frames.reduce(Result::or).unwrap_or(Err("an edge of the transition table"))
            }
        };
        fits.map_err(|expected| format!("expected {expected}, found {}", entry.what))
    }
}

/// What must not have changed by these effects.
fn frame(path: &Path, before: Option<&Resource>, after: Option<&Resource>) -> Result<(), &'static str> {
    use Effect::{
        Cancel, Change, Claim, Create, Delete, Deleted, Expire, Failed, GiveUp, Missing, Release, Request, Rerun,
        Revive, SecondChance, SkipDeleted, Snooze, Synced, Unchanged,
    };
    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
    let any = |effects: &[Effect]| path.effects.iter().any(|effect| effects.contains(effect));
    let count = |effects: &[Effect]| path.effects.iter().filter(|effect| effects.contains(effect)).count();
    let takes_over = any(&[Create, Change, Request, Revive]);
    let informs = takes_over || any(&[SecondChance, Unchanged, SkipDeleted]);
    let ends = any(&[Rerun, Synced, Failed, GiveUp, Deleted, Snooze, Release]);
    let bulk = any(&[Expire, Missing, Delete]);
    let errors = after.error_count - before.error_count;
    let (least, most) = (count(&[Failed, GiveUp, Cancel]), count(&[Failed, GiveUp, Cancel, Rerun, Deleted]));
    let within = |number: i64| (least..=most).contains(&usize::try_from(number).unwrap_or(usize::MAX));
    let detail = |row: &Resource| row.detail.as_ref().map(|detail| (detail.object.clone(), detail.tags.clone()));
    let holds: [(&'static str, bool); 11] = [
        ("the same id, key and time of creation", {
            (before.id, &before.key, before.created_at) == (after.id, &after.key, after.created_at)
        }),
        ("the same object, as no inform was taken over", takes_over || before.hash == after.hash),
        ("the same limit of attempts, as no inform was taken over", {
            takes_over
                || (before.max_attempts, before.external_created_at) == (after.max_attempts, after.external_created_at)
        }),
        ("the same labels, as nobody informed", {
            informs
                || (before.metadata == after.metadata && before.trace == after.trace && detail(before) == detail(after))
        }),
        ("the same priority, as nobody informed", informs || bulk || before.priority == after.priority),
        ("an error counted for each failed attempt, and no other", within(errors)),
        ("the same time of the last claim, as there was none", {
            any(&[Claim]) || before.attempted_at == after.attempted_at
        }),
        ("the same time of synchronisation, as no attempt ended", ends || before.synced_at == after.synced_at),
        ("the same deletion, as there was none and no revival", {
            any(&[Deleted, Revive]) || before.deleted_at == after.deleted_at
        }),
        ("the same time since when it is in its state, as it is in the same", {
            informs || ends || before.state != after.state || before.state_since == after.state_since
        }),
        ("the lease as it was, but for its end", {
            before.lease.zip(after.lease).is_none_or(|(one, other)| {
                one.token != other.token
                    || (one.owner, one.generation, one.attempt) == (other.owner, other.generation, other.attempt)
            })
        }),
    ];
    holds.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(expected, _)| Err(expected))
}
