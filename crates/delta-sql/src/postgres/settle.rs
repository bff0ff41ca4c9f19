use super::text::settle::Settling;
use delta_core::{Change, Changeset, DeletedBy, Locked, Returning, RunAt, Settle, Settlement, Timestamp};

use super::drafts::{Append, Drafts, Errors};
use super::query::Query;
use super::templates::{Templates, position};

/// What settlements have in common: both outcomes. The time to run at again, when the generation has not moved, is each
/// one's own: back-offs differ.
struct Ends<'a> {
    settle: &'a Settle,
}

impl PartialEq for Ends<'_> {
    fn eq(&self, other: &Self) -> bool {
        let apart = |settlement: &'_ Settlement| {
            (
                settlement.state.clone(),
                settlement.attempt,
                run(settlement.run_at).0,
                settlement.synced_generation,
                settlement.deleted_by,
            )
        };
        let (one, other) = (self.settle, other.settle);
        one.moved == other.moved
            && one.unmoved.events == other.unmoved.events
            && apart(&one.unmoved) == apart(&other.unmoved)
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
    run_at: Vec<Option<Timestamp>>,
    synced_generation: Vec<Option<i64>>,
    deleted_by: Vec<Option<&'static str>>,
}

impl<'a> Outcomes<'a> {
    fn add(&mut self, template: i64, moved: bool, settlement: &'a Settlement) {
        let (how, at) = run(settlement.run_at);
        self.template.push(template);
        self.moved.push(moved);
        self.state.push(settlement.state.as_str());
        self.attempt.push(settlement.attempt);
        self.run.push(how);
        self.run_at.push(at.filter(|_| moved));
        self.synced_generation.push(settlement.synced_generation);
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
            template: Vec::with_capacity(numbers.len()),
            outcomes: Outcomes::default(),
            drafts: Drafts::default(),
            errors: Errors::default(),
        };
        for &number in numbers {
            let Change::Settle(settle) = &set.changes[number] else { continue };
            let (template, new) = templates.number(Ends { settle });
            if new {
                for (moved, settlement) in [(false, &settle.unmoved), (true, &settle.moved)] {
                    this.outcomes.add(template, moved, settlement);
                    if append == Append::Here {
                        this.drafts.add(template, moved, &settlement.events);
                    }
                }
            }
            this.errors.push(settle.error.as_ref());
            this.number.push(position(number));
            this.id.push(settle.id.get());
            this.token.push(settle.token.get());
            this.over_at.push(settle.over_at);
            this.run_at.push(run(settle.unmoved.run_at).1);
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
        let query = query.bind(self.over_at).bind(self.run_at).bind(self.template);
        let outcomes = self.outcomes;
        let query = query.bind(outcomes.template).bind(outcomes.moved).bind(outcomes.state).bind(outcomes.attempt);
        let query = query.bind(outcomes.run).bind(outcomes.run_at).bind(outcomes.synced_generation);
        let query = self.drafts.bind_settled(query.bind(outcomes.deleted_by));
        if self.errors.is_empty() { query } else { self.errors.bind(query) }
    }
}
