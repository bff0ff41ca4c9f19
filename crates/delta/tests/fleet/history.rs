//! The log of every resource is a path through the transition table, claims left out.

use std::collections::BTreeMap;

use delta::core::transition::{Effect, Input, Phase, TABLE, To};
use delta::core::{Browse, Store};
use delta::core::{ResourceId, Subject};
use delta::{Client, EventFilter, EventKind, EventQuery, Position, Reason};

/// What an effect appends: the attempt's own event, if it has one, then what follows.
fn appended(effect: Effect) -> &'static [EventKind] {
    use EventKind::{Deleted, Expired, Failed, Paused, Purged, Resumed, Scheduled, Synced};
    match effect {
        Effect::Create => &[Scheduled(Reason::Created)],
        Effect::Revive => &[Scheduled(Reason::Revived)],
        Effect::Change => &[Scheduled(Reason::Changed)],
        Effect::Request => &[Scheduled(Reason::Requested)],
        Effect::SecondChance => &[Scheduled(Reason::SecondChance)],
        Effect::Rerun => &[Synced, Failed, Scheduled(Reason::Rerun)],
        Effect::Synced => &[Synced],
        Effect::Failed | Effect::GiveUp | Effect::Cancel => &[Failed],
        Effect::Deleted => &[Deleted],
        Effect::Snooze => &[Scheduled(Reason::Snoozed)],
        Effect::Release => &[Scheduled(Reason::Released)],
        Effect::Expire => &[Expired, Scheduled(Reason::Expired)],
        Effect::Invalidate => &[Expired, Scheduled(Reason::Requested)],
        Effect::Retry => &[Scheduled(Reason::Retried)],
        Effect::Delete => &[Scheduled(Reason::Deletion)],
        Effect::Missing => &[Scheduled(Reason::Missing)],
        Effect::Pause => &[Paused],
        Effect::Resume => &[Resumed],
        Effect::Purge => &[Purged],
        _ => &[],
    }
}

/// Whether a rule leads from one phase to another and appends such an event.
fn leads(from: Phase, kind: EventKind, to: Phase) -> bool {
    TABLE.iter().any(|rule| {
        let reached = match rule.to {
            To::Phase(phase) => phase,
            To::ScheduledOrPending if from != Phase::Pending => Phase::Scheduled,
            To::ScheduledOrPending | To::Same => from,
        };
        rule.from.contains(&from) && reached == to && appended(rule.effect).contains(&kind)
    })
}

/// Whether one event may follow another: at once, after a claim, or as the second event of one change.
fn follows(before: (EventKind, Phase), after: (EventKind, Phase)) -> bool {
    let claimed = TABLE.iter().any(|rule| rule.input == Input::Claim && rule.from.contains(&before.1));
    let same_change = before.1 == after.1
        && TABLE.iter().any(|rule| {
            let kinds = appended(rule.effect);
            kinds.len() > 1 && kinds.last() == Some(&after.0) && kinds[..kinds.len() - 1].contains(&before.0)
        });
    leads(before.1, after.0, after.1) || (claimed && leads(Phase::Pending, after.0, after.1)) || same_change
}

pub(crate) async fn check<S: Store + Browse>(client: &Client<S>) {
    let mut last: BTreeMap<ResourceId, (EventKind, Phase, i64)> = BTreeMap::new();
    let mut query = EventQuery { after: Position::START, limit: 10_000, filter: EventFilter::default() };
    loop {
        let page = client.events(&query).await.unwrap();
        for event in &page.events {
            assert!(event.position > query.after, "{event:?} is not after {}", query.after);
            query.after = event.position;
            let Subject::Resource { id, state, generation, .. } = &event.subject else { continue };
            let now = (event.kind, Phase::of(state));
            match last.insert(*id, (now.0, now.1, *generation)) {
                None => assert_eq!(event.kind, EventKind::Scheduled(Reason::Created), "{event:?}"),
                Some((kind, phase, before)) => {
                    assert!(follows((kind, phase), now), "{kind} ({phase:?}) is followed by {event:?}");
                    assert!(*generation >= before, "generation {before} is followed by {event:?}");
                }
            }
        }
        if page.events.is_empty() && page.next >= page.head {
            break;
        }
        query.after = page.next;
    }
    assert!(!last.is_empty());
}
