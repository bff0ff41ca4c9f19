//! Which rows and events a query chooses, for stores that look at each.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::browse::{Filter, StateCount};
use crate::event::{Event, Scope, Subject};
use crate::key::Lane;
use crate::labels::Metadata;
use crate::query::{Depth, EventFilter, Names};
use crate::resource::Resource;
use crate::state::State;
use crate::timestamp::Timestamp;

impl Resource {
    /// Whether it may be claimed, as far as it alone says: in a claimable state, due, and not paused.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state.is_claimable() && !self.paused && self.run_at.is_some_and(|run_at| run_at <= now)
    }

    /// As much of it as was asked for.
    #[must_use]
    pub fn at_depth(self, depth: Depth) -> Self {
        match depth {
            Depth::Full => self,
            Depth::Head => Self { detail: None, ..self },
        }
    }
}

impl Filter {
    /// Whether a row fits. It needs its detail if the filter names a tag.
    #[must_use]
    pub fn matches(&self, row: &Resource) -> bool {
        let has_tag = |tag: &String| row.detail.as_ref().is_some_and(|detail| detail.tags.as_slice().contains(tag));
        let begins = |prefix: &String| row.key.object_id.as_str().starts_with(prefix);
        self.namespaces.contains(&row.key.namespace)
            && self.kinds.contains(&row.key.kind)
            && (self.states.is_empty() || self.states.contains(&row.state))
            && self.tag.as_ref().is_none_or(has_tag)
            && self.object_id_prefix.as_ref().is_none_or(begins)
            && self.paused.is_none_or(|paused| row.paused == paused)
    }
}

impl EventFilter {
    /// Whether an event fits.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let any = |names: &Names| *names == Names::All;
        let kind_fits = self.event_kinds.as_ref().is_none_or(|kinds| kinds.contains(event.kind.as_str()));
        kind_fits
            && self.metadata.iter().all(|(member, text)| has_member(&event.metadata, member, text))
            && match &event.subject {
                Subject::Resource { id, key, .. } => {
                    self.namespaces.contains(&key.namespace)
                        && self.kinds.contains(&key.kind)
                        && self.resource.is_none_or(|wanted| wanted == *id)
                        && self
                            .object_id_prefix
                            .as_ref()
                            .is_none_or(|prefix| key.object_id.as_str().starts_with(prefix))
                }
                Subject::Scope(Scope::Kind(kind)) => {
                    self.kinds.contains(kind) && any(&self.namespaces) && self.is_of_any_resource()
                }
                Subject::Scope(Scope::Namespace(namespace)) => {
                    self.namespaces.contains(namespace) && any(&self.kinds) && self.is_of_any_resource()
                }
            }
    }

    fn is_of_any_resource(&self) -> bool {
        self.resource.is_none() && self.object_id_prefix.is_none()
    }
}

/// Whether a member of the metadata is this text.
fn has_member(metadata: &Metadata, member: &str, text: &str) -> bool {
    let members: Option<BTreeMap<String, serde_json::Value>> = serde_json::from_str(metadata.as_str()).ok();
    members.is_some_and(|members| members.get(member).and_then(serde_json::Value::as_str) == Some(text))
}

impl StateCount {
    /// Counts rows, in the order of lane and state.
    #[must_use]
    pub fn tally(rows: impl IntoIterator<Item = impl Borrow<Resource>>) -> Vec<Self> {
        let mut counts: BTreeMap<(Lane, State), Self> = BTreeMap::new();
        for row in rows {
            let row = row.borrow();
            let (lane, state) = (row.key.lane(), row.state.clone());
            let none = Self { lane, state, count: 0, oldest_run_at: None, oldest_lease: None };
            let entry = counts.entry((none.lane.clone(), none.state.clone())).or_insert(none);
            entry.count += 1;
            let run_at = row.run_at.filter(|_| row.state.is_claimable() && !row.paused);
            let lease = row.lease.filter(|_| row.state == State::Pending).map(|lease| lease.until);
            entry.oldest_run_at = entry.oldest_run_at.into_iter().chain(run_at).min();
            entry.oldest_lease = entry.oldest_lease.into_iter().chain(lease).min();
        }
        counts.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventDraft, EventKind, Position};
    use crate::labels::Tags;
    use crate::name::Name;
    use crate::resource::{Detail, ResourceId};
    use crate::samples::{NOW, row};

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    #[test]
    fn a_row_is_due_in_a_claimable_state_from_its_run_at_on_and_not_paused() {
        let before = Timestamp::from_micros(NOW.as_micros() - 1);
        assert!(row(1, "a").is_due(NOW) && !row(1, "a").is_due(before));
        assert!(!Resource { run_at: None, ..row(1, "a") }.is_due(NOW));
        assert!(!Resource { paused: true, ..row(1, "a") }.is_due(NOW));
        assert!(!Resource { state: State::Pending, ..row(1, "a") }.is_due(NOW));
    }

    #[test]
    fn a_head_has_no_detail() {
        assert_eq!(row(1, "a").at_depth(Depth::Full), row(1, "a"));
        assert_eq!(row(1, "a").at_depth(Depth::Head), Resource { detail: None, ..row(1, "a") });
    }

    #[test]
    fn each_part_of_a_filter_must_fit() {
        let mut tagged = row(1, "abc");
        tagged.detail = tagged.detail.map(|detail| Detail { tags: Tags::new(["vip"]).unwrap(), ..detail });
        let fits = |filter: Filter| filter.matches(&tagged);
        let all = Filter::default;
        assert!(fits(all()));
        assert!(fits(Filter { namespaces: Names::one(name("eu")), ..all() }));
        assert!(!fits(Filter { namespaces: Names::one(name("us")), ..all() }));
        assert!(!fits(Filter { kinds: Names::one(name("eu")), ..all() }));
        assert!(fits(Filter { states: vec![State::Failed, State::Scheduled], ..all() }));
        assert!(!fits(Filter { states: vec![State::Failed], ..all() }));
        assert!(fits(Filter { tag: Some("vip".to_owned()), ..all() }));
        assert!(!fits(Filter { tag: Some("vi".to_owned()), ..all() }));
        assert!(fits(Filter { object_id_prefix: Some("ab".to_owned()), ..all() }));
        assert!(!fits(Filter { object_id_prefix: Some("bc".to_owned()), ..all() }));
        assert!(fits(Filter { paused: Some(false), ..all() }) && !fits(Filter { paused: Some(true), ..all() }));
    }

    #[test]
    fn an_event_about_a_scope_passes_filters_that_speak_of_nothing_it_lacks() {
        let draft = EventDraft { kind: EventKind::Paused, generation: None, attempt: None, with_object: false };
        let of_row = draft.event(Position::new(1), &row(1, "a"), NOW);
        let of_kind = Event::of_scope(Position::new(2), EventKind::Paused, Scope::Kind(name("thing")), NOW);
        let of_namespace = Event::of_scope(Position::new(3), EventKind::Paused, Scope::Namespace(name("eu")), NOW);
        let fits = |filter: &EventFilter| [&of_row, &of_kind, &of_namespace].map(|event| filter.matches(event));
        let all = EventFilter::default;
        assert_eq!(fits(&all()), [true; 3]);
        assert_eq!(fits(&EventFilter::of_kinds([EventKind::Resumed])), [false; 3]);
        assert_eq!(fits(&EventFilter { kinds: Names::one(name("thing")), ..all() }), [true, true, false]);
        assert_eq!(fits(&EventFilter { namespaces: Names::one(name("eu")), ..all() }), [true, false, true]);
        assert_eq!(fits(&EventFilter { resource: Some(ResourceId::new(1)), ..all() }), [true, false, false]);
        assert_eq!(fits(&EventFilter { resource: Some(ResourceId::new(2)), ..all() }), [false; 3]);
    }

    #[test]
    fn a_tally_is_by_lane_and_state_with_the_earliest_times_of_each() {
        let early = Timestamp::from_micros(5);
        let rows = [
            row(1, "a"),
            Resource { run_at: Some(early), ..row(2, "b") },
            Resource { run_at: Some(Timestamp::EPOCH), paused: true, ..row(3, "c") },
            Resource { state: State::Synced, ..row(4, "d") },
        ];
        let tally = StateCount::tally(&rows);
        let found: Vec<_> = tally.iter().map(|count| (&count.state, count.count, count.oldest_run_at)).collect();
        assert_eq!(found, [(&State::Scheduled, 3, Some(early)), (&State::Synced, 1, None)]);
    }
}
