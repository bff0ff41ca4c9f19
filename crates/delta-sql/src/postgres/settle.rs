use super::text::settle::Settling;
use delta_core::{Change, Changeset, DeletedBy, EventDraft, Locked, Returning, RunAt, Settle, Settlement, Timestamp};

use super::drafts::{Append, Drafts, Errors};
use super::query::Query;
use super::templates::{Templates, position};

/// What settlements have in common: both outcomes, but for the times to run at again and the numbers of the attempt that was
/// made, which are each one's own. What they say of generations and attempts counts from those.
struct Ends<'a> {
    settle: &'a Settle,
    base: Base,
}

/// The generation and the attempt that a settlement speaks of first: those of its lease, mostly.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    generation: i64,
    attempt: i64,
}

impl Base {
    fn of(settle: &Settle) -> Self {
        let both = [&settle.unmoved, &settle.moved];
        let drafts = || both.into_iter().flat_map(|settlement| &settlement.events);
        let synced = both.into_iter().find_map(|settlement| settlement.synced_generation);
        let counted = || both.into_iter().find_map(|settlement| settlement.attempt);
        Self {
            generation: drafts().find_map(|draft| draft.generation).or(synced).unwrap_or(0),
            attempt: drafts().find_map(|draft| draft.attempt).or_else(counted).unwrap_or(0),
        }
    }

    fn generation(self, generation: Option<i64>) -> Option<i64> {
        generation.map(|generation| generation.wrapping_sub(self.generation))
    }

    fn attempt(self, attempt: Option<i64>) -> Option<i64> {
        attempt.map(|attempt| attempt.wrapping_sub(self.attempt))
    }

    fn draft(self, draft: &EventDraft) -> EventDraft {
        EventDraft { generation: self.generation(draft.generation), attempt: self.attempt(draft.attempt), ..*draft }
    }

    fn alike(self, one: &Settlement, that: Self, other: &Settlement) -> bool {
        let apart = |base: Self, settlement: &Settlement| {
            (
                settlement.deleted_by,
                run(settlement.run_at).0,
                base.attempt(settlement.attempt),
                base.generation(settlement.synced_generation),
            )
        };
        one.state == other.state
            && apart(self, one) == apart(that, other)
            && one.events.len() == other.events.len()
            && one.events.iter().zip(&other.events).all(|(one, other)| self.draft(one) == that.draft(other))
    }
}

impl PartialEq for Ends<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.base.alike(&self.settle.unmoved, other.base, &other.settle.unmoved)
            && self.base.alike(&self.settle.moved, other.base, &other.settle.moved)
    }
}

/// How a settled row runs again, and when.
fn run(run_at: RunAt) -> (Option<&'static str>, Option<Timestamp>) {
    match run_at {
        RunAt::Never => (None, None),
        RunAt::At(at) => (Some("at"), Some(at)),
        RunAt::AskedOr(at) => (Some("asked"), Some(at)),
    }
}

/// Settlements as arrays.
pub(super) struct Settlements<'a> {
    set: &'a Changeset,
    number: Vec<i64>,
    id: Vec<i64>,
    token: Vec<i64>,
    over_at: Vec<Option<Timestamp>>,
    run_at: Vec<Option<Timestamp>>,
    moved_run_at: Vec<Option<Timestamp>>,
    generation: Vec<i64>,
    attempt: Vec<i64>,
    template: Vec<i64>,
    outcomes: Outcomes<'a>,
    drafts: Drafts,
    errors: Errors<'a>,
}

/// Both outcomes of each template, as arrays.
#[derive(Default)]
struct Outcomes<'a> {
    template: Vec<i64>,
    moved: Vec<bool>,
    state: Vec<&'a str>,
    attempt: Vec<Option<i64>>,
    run: Vec<Option<&'static str>>,
    synced_generation: Vec<Option<i64>>,
    deleted_by: Vec<Option<&'static str>>,
}

impl<'a> Outcomes<'a> {
    fn add(&mut self, template: i64, moved: bool, settlement: &'a Settlement, base: Base) {
        self.template.push(template);
        self.moved.push(moved);
        self.state.push(settlement.state.as_str());
        self.attempt.push(base.attempt(settlement.attempt));
        self.run.push(run(settlement.run_at).0);
        self.synced_generation.push(base.generation(settlement.synced_generation));
        self.deleted_by.push(settlement.deleted_by.map(DeletedBy::as_str));
    }
}

impl<'a> Settlements<'a> {
    pub(super) fn of(set: &'a Changeset, numbers: &[usize], append: Append) -> Self {
        let mut templates = Templates::new();
        let mut this = Self {
            set,
            number: Vec::with_capacity(numbers.len()),
            id: Vec::with_capacity(numbers.len()),
            token: Vec::with_capacity(numbers.len()),
            over_at: Vec::with_capacity(numbers.len()),
            run_at: Vec::with_capacity(numbers.len()),
            moved_run_at: Vec::with_capacity(numbers.len()),
            generation: Vec::with_capacity(numbers.len()),
            attempt: Vec::with_capacity(numbers.len()),
            template: Vec::with_capacity(numbers.len()),
            outcomes: Outcomes::default(),
            drafts: Drafts::default(),
            errors: Errors::default(),
        };
        for &number in numbers {
            let Change::Settle(settle) = &set.changes[number] else { continue };
            let base = Base::of(settle);
            let (template, new) = templates.number(Ends { settle, base });
            if new {
                for (moved, settlement) in [(false, &settle.unmoved), (true, &settle.moved)] {
                    this.outcomes.add(template, moved, settlement, base);
                    if append == Append::Here {
                        this.drafts.add(template, moved, settlement.events.iter().map(|draft| base.draft(draft)));
                    }
                }
            }
            this.errors.push(settle.error.as_ref());
            this.number.push(position(number));
            this.id.push(settle.id.get());
            this.token.push(settle.token.get());
            this.over_at.push(settle.over_at);
            this.run_at.push(run(settle.unmoved.run_at).1);
            this.moved_run_at.push(run(settle.moved.run_at).1);
            this.generation.push(base.generation);
            this.attempt.push(base.attempt);
            this.template.push(template);
        }
        this
    }

    /// The statement for them.
    pub(super) fn statement(&self, locked: Locked, claims: bool) -> Settling {
        Settling { skips_locked: locked == Locked::Skip, records_errors: !self.errors.is_empty(), claims }
    }

    pub(super) fn bind(self, query: Query<'a>) -> Query<'a> {
        let query = query.bind(self.set.now).bind(self.set.returning == Returning::Events);
        let query = query.bind(self.number).bind(self.id).bind(self.token);
        let query = query.bind(self.over_at).bind(self.run_at).bind(self.moved_run_at);
        let query = query.bind(self.generation).bind(self.attempt).bind(self.template);
        let outcomes = self.outcomes;
        let query = query.bind(outcomes.template).bind(outcomes.moved).bind(outcomes.state).bind(outcomes.attempt);
        let query = query.bind(outcomes.run).bind(outcomes.synced_generation);
        let query = self.drafts.bind_settled(query.bind(outcomes.deleted_by));
        if self.errors.is_empty() { query } else { self.errors.bind(query) }
    }
}

#[cfg(test)]
mod tests {
    use delta_core::{EventDraft, EventKind, LeaseToken, ResourceId, State};

    use super::*;

    fn settle(number: i64, state: State) -> Change {
        let draft = |kind, of: Option<i64>| EventDraft { kind, generation: of, attempt: of, with_object: false };
        let unmoved = Settlement {
            state,
            attempt: None,
            run_at: RunAt::Never,
            synced_generation: Some(number),
            deleted_by: None,
            events: vec![draft(EventKind::Synced, Some(number))],
        };
        let moved = Settlement {
            run_at: RunAt::AskedOr(Timestamp::from_micros(number)),
            events: vec![draft(EventKind::Synced, Some(number)), draft(EventKind::Failed, None)],
            ..unmoved.clone()
        };
        let (id, token) = (ResourceId::new(number), LeaseToken::new(number));
        Change::Settle(Box::new(Settle { id, token, over_at: None, error: None, unmoved, moved }))
    }

    #[test]
    fn attempts_that_end_alike_share_a_template_whatever_their_generation_and_time() {
        let changes = vec![settle(1, State::Synced), settle(7, State::Synced), settle(7, State::Degraded)];
        let set = Changeset { changes, ..Changeset::new(Timestamp::EPOCH) };
        let settlements = Settlements::of(&set, &[0, 1, 2], Append::Here);
        assert_eq!(settlements.template, [1, 1, 2]);
        assert_eq!((settlements.generation, settlements.attempt), (vec![1, 7, 7], vec![1, 7, 7]));
        assert_eq!(settlements.outcomes.synced_generation, [Some(0); 4]);
        assert_eq!(settlements.moved_run_at, [1, 7, 7].map(|at| Some(Timestamp::from_micros(at))));
    }
}
