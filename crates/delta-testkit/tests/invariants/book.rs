use std::collections::BTreeMap;
use std::time::Duration;

use delta_core::plan::{self, InformInput, InformPolicy, Report, Source};
use delta_core::{
    AbsentBy, CanonicalObject, Change, Cursor, Event, EventObjects, InformOptions, Key, Lease, LeaseToken, Missing,
    Outcome, Owner, Position, Rejection, Resource, ResourceId, Retention, SecondChance, Timestamp,
};
use delta_testkit::history::{Actor, Answer, Ask, Attempt, Entry, History, Last, What};
use delta_testkit::invariants::{Invariant, Violation, all, check};

pub(crate) const LEASE: Duration = Duration::from_mins(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
const OBJECTS: EventObjects = EventObjects::Omit;

/// Writes histories, by the plans of the engine, as a store would carry them out.
pub(crate) struct Book {
    pub(crate) now: Timestamp,
    pub(crate) rows: BTreeMap<ResourceId, Resource>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) cursors: BTreeMap<String, Cursor>,
    log: Vec<Event>,
    ids: i64,
    positions: i64,
    tokens: i64,
}

impl Book {
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let (rows, entries, cursors, log) = (BTreeMap::new(), Vec::new(), BTreeMap::new(), Vec::new());
        Self { now, rows, entries, cursors, log, ids: 0, positions: 0, tokens: 1_000 }
    }

    pub(crate) fn later(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    pub(crate) fn note(&mut self, actor: &str, what: What) {
        self.entries.push(Entry { at: self.now, actor: Actor::new(actor), what });
    }

    pub(crate) fn row(&self, id: &str) -> Resource {
        self.find(id).unwrap_or_else(|| panic!("there is no {id}"))
    }

    pub(crate) fn find(&self, id: &str) -> Option<Resource> {
        self.rows.values().find(|row| row.key == key(id)).cloned()
    }

    /// Carries one change out, and notes it. Returns the row's id.
    pub(crate) fn write(&mut self, actor: &str, change: &Change) -> Result<ResourceId, Outcome> {
        let before = match (change.id(), change.inserted_key()) {
            (Some(id), _) => self.rows.get(&id).cloned(),
            (None, Some(key)) => self.rows.values().find(|row| row.key == *key).cloned(),
            (None, None) => None,
        };
        let written = change.apply(before.as_ref(), self.now)?;
        let after = written.row.map(|mut row| {
            if before.is_none() {
                self.ids += 1;
                row.id = ResourceId::new(self.ids);
            }
            row
        });
        let about = after.as_ref().or(before.as_ref()).cloned().unwrap();
        let events: Vec<Event> = written
            .events
            .iter()
            .map(|draft| {
                self.positions += 1;
                draft.event(Position::new(self.positions), &about, self.now)
            })
            .collect();
        self.put(actor, before, after);
        for event in events {
            self.append(actor, event);
        }
        Ok(about.id)
    }

    pub(crate) fn put(&mut self, actor: &str, before: Option<Resource>, after: Option<Resource>) {
        match (&before, &after) {
            (_, Some(row)) => drop(self.rows.insert(row.id, row.clone())),
            (Some(row), None) => drop(self.rows.remove(&row.id)),
            (None, None) => {}
        }
        self.note(actor, What::Row { before: before.map(Box::new), after: after.map(Box::new) });
    }

    pub(crate) fn append(&mut self, actor: &str, event: Event) {
        self.log.push(event.clone());
        self.note(actor, What::Appended(Box::new(event)));
    }

    /// What a plan has decided; whether anything was written.
    pub(crate) fn decided(&mut self, actor: &str, planned: Result<Option<Change>, Rejection>) -> bool {
        let Ok(Some(change)) = planned else { return false };
        self.write(actor, &change).is_ok()
    }

    /// Informs of one batch, and what their callers are told.
    pub(crate) fn inform_as(&mut self, source: Source, objects: &[(&str, u64)], options: &InformOptions) {
        let inputs: Vec<InformInput> = objects.iter().map(|(id, value)| input(id, *value, source, options)).collect();
        let rows: Vec<Resource> = self.rows.values().cloned().collect();
        for input in &inputs {
            self.note("caller", What::Asked { key: input.key.clone(), ask: "inform".to_owned() });
        }
        let plan = plan::inform(rows, &inputs, self.now);
        let ids: Vec<_> = plan.changeset.changes.iter().map(|change| self.write("caller", change).unwrap()).collect();
        for (answer, input) in plan.answers.into_iter().zip(&inputs) {
            let Ok(outcome) = answer.outcome else { continue };
            let id = answer.change.map_or_else(|| answer.id.unwrap(), |change| ids[change]);
            let (hash, generation) = (input.object.hash(), answer.generation);
            let ask = Ask::Inform { id, generation, hash, outcome: outcome.as_str().to_owned() };
            self.note("caller", What::Acknowledged { key: input.key.clone(), ask });
        }
    }

    pub(crate) fn inform(&mut self, id: &str, value: u64) {
        self.inform_as(Source::Caller, &[(id, value)], &InformOptions::new());
    }

    /// Claims a resource. It is not said to have begun.
    pub(crate) fn claim(&mut self, actor: &str, id: &str) -> Option<Attempt> {
        let before = self.row(id);
        let mut after = before.clone();
        self.tokens += 1;
        let lease = Lease {
            token: LeaseToken::new(self.tokens),
            generation: 0,
            attempt: 0,
            owner: Owner::new(1),
            until: self.now + LEASE,
            cancel_requested: false,
        };
        if !plan::claim(&mut after, lease, self.now) {
            return None;
        }
        self.put(actor, Some(before), Some(after.clone()));
        Attempt::of(&after)
    }

    pub(crate) fn begin(&mut self, actor: &str, id: &str) -> Attempt {
        let attempt = self.claim(actor, id).expect("claimable");
        self.note(actor, What::Began(attempt.clone()));
        attempt
    }

    pub(crate) fn ended(&mut self, actor: &str, attempt: &Attempt, answer: Answer) {
        self.note(actor, What::Ended(attempt.clone(), answer));
    }

    /// Settles what is pending under the attempt's lease, if it is.
    pub(crate) fn settle(&mut self, actor: &str, attempt: &Attempt, report: &Report) -> bool {
        let Some(row) = self.rows.get(&attempt.id).cloned() else { return false };
        let change = plan::settle(&row, report, OBJECTS, self.now).ok();
        let under = row.lease.is_some_and(|lease| lease.token == attempt.token);
        change.is_some_and(|change| under && self.write(actor, &change).is_ok())
    }

    pub(crate) fn synced(&mut self, actor: &str, id: &str) {
        let attempt = self.begin(actor, id);
        self.ended(actor, &attempt, Answer::Synced);
        assert!(self.settle(actor, &attempt, &Report::Synced));
    }

    pub(crate) fn rescue(&mut self, actor: &str, id: &str) -> bool {
        let planned = plan::rescue(&self.row(id), OBJECTS, self.now).map(Some);
        self.decided(actor, planned)
    }

    pub(crate) fn delete(&mut self, actor: &str, id: &str, by: AbsentBy) -> bool {
        let planned = plan::request_deletion(self.row(id), by, OBJECTS, self.now);
        self.decided(actor, planned)
    }

    pub(crate) fn ask(
        &mut self,
        actor: &str,
        id: &str,
        ask: Ask,
        plan: impl FnOnce(Resource) -> Result<Option<Change>, Rejection>,
    ) {
        self.note(actor, What::Asked { key: key(id), ask: ask.name().to_owned() });
        let planned = plan(self.row(id));
        let refused = planned.is_err();
        self.decided(actor, planned);
        let (key, name) = (key(id), ask.name().to_owned());
        self.note(actor, if refused { What::Refused { key, ask: name } } else { What::Acknowledged { key, ask } });
    }

    /// Writes a cursor as it was read.
    pub(crate) fn cursor(&mut self, actor: &str, cursor: Cursor) {
        let before = self.cursors.get(&cursor.name).cloned();
        let version = before.as_ref().map_or(0, |cursor| cursor.version) + 1;
        let after = Cursor { version, ..cursor };
        self.cursors.insert(after.name.clone(), after.clone());
        self.note(actor, What::Cursor { before: before.map(Box::new), after: Some(Box::new(after)) });
    }

    /// Moves the cursor of a consumer of Delta's own log.
    pub(crate) fn stands(&mut self, actor: &str, consumer: &str, position: i64) {
        let name = format!("consumer/delta/{consumer}");
        let cursor = self.cursors.get(&name).cloned().unwrap_or_else(|| Cursor::new(name));
        self.cursor(actor, Cursor { position: Some(position.to_string()), ..cursor });
    }

    pub(crate) fn consumed(&mut self, actor: &str, consumer: &str, positions: impl IntoIterator<Item = i64>) {
        for position in positions {
            let (consumer, position) = (consumer.to_owned(), Position::new(position));
            self.note(actor, What::Consumed { consumer, position });
        }
    }

    pub(crate) fn last(&self) -> Last {
        let (rows, cursors) = (self.rows.values().cloned().collect(), self.cursors.values().cloned().collect());
        Last { now: self.now, rows, log: self.log.clone(), cursors }
    }

    pub(crate) fn checked(&self) -> Result<(), Violation> {
        self.checked_by(all())
    }

    pub(crate) fn checked_by(&self, mut invariants: Vec<Box<dyn Invariant>>) -> Result<(), Violation> {
        let history: History = self.entries.iter().cloned().collect();
        check(&mut invariants, &history, &self.last())
    }

    /// That every invariant holds.
    pub(crate) fn holds(&self) {
        if let Err(violation) = self.checked() {
            let entries: Vec<String> = self.entries[..violation.entries].iter().map(ToString::to_string).collect();
            panic!("{violation}\n{}", entries.join("\n"));
        }
    }

    /// That this one holds, whatever the others say.
    pub(crate) fn breaks_not(&self, invariant: impl Invariant + 'static) {
        self.checked_by(vec![Box::new(invariant)]).unwrap();
    }

    /// That this one does not hold, whatever the others say.
    pub(crate) fn breaks(&self, mut invariant: impl Invariant + 'static) -> String {
        let name = invariant.name();
        let history: History = self.entries.iter().cloned().collect();
        for entry in history.entries() {
            if let Err(found) = invariant.see(entry) {
                return found;
            }
        }
        invariant.end(&self.last()).expect_err(name)
    }
}

pub(crate) fn key(id: &str) -> Key {
    Key::new("eu", "thing", id).unwrap()
}

pub(crate) fn policy() -> InformPolicy {
    InformPolicy {
        second_chance: SecondChance::Give,
        missing: Missing::Delete,
        retention: Retention::default(),
        event_objects: OBJECTS,
    }
}

fn input(id: &str, value: u64, source: Source, options: &InformOptions) -> InformInput {
    InformInput {
        key: key(id),
        object: CanonicalObject::new(&value).unwrap(),
        external_created_at: None,
        trace: None,
        source,
        options: options.resolve().unwrap(),
        compare: None,
        policy: policy(),
    }
}
