//! What a change makes of a row, for stores that keep rows whole. Stores that write columns say the same in their SQL.

use crate::changeset::{Applied, Change, LeaseWrite, Outcome, RunAt, ScopeWrite, Settle, Update};
use crate::event::{Event, EventDraft, EventKind, Position, Scope, Subject};
use crate::labels::Metadata;
use crate::lease::{Lease, LeaseToken};
use crate::plan;
use crate::query::{ClaimRequest, ScopeRecord};
use crate::resource::{AttemptError, Resource, ResourceId};
use crate::state::State;
use crate::timestamp::Timestamp;

/// What a change writes, its fence holding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<'a> {
    /// The row afterwards; `None` if it is removed. An inserted one has yet to get its id.
    pub row: Option<Resource>,
    /// The events to append: about `row`, or about the row as it was if it is removed.
    pub events: &'a [EventDraft],
    /// What the receipt says. The id of an insert has yet to be put in.
    pub applied: Applied,
}

impl Change {
    /// Whether the fence holds: `Stale` or `Lost` if it does not. `row` is the row that the change names, by its id or, for an
    /// insert, by its key; `None` if there is none.
    pub fn fence(&self, row: Option<&Resource>) -> Result<(), Outcome> {
        let at_version =
            |version| if row.is_some_and(|row| row.version == version) { Ok(()) } else { Err(Outcome::Stale) };
        let under = |token, over_at: Option<Timestamp>| {
            let held = row.and_then(|row| held(row, token));
            if held.is_some_and(|lease| over_at.is_none_or(|at| lease.until <= at)) {
                Ok(())
            } else {
                Err(Outcome::Lost)
            }
        };
        match self {
            Self::Insert(_) => row.map_or(Ok(()), |_| Err(Outcome::Stale)),
            Self::Update(update) => at_version(update.version),
            Self::Remove(remove) => at_version(remove.version),
            Self::Settle(settle) => under(settle.token, settle.over_at),
            Self::Renew(renew) => under(renew.token, None),
        }
    }

    /// What the change makes of a row that was read whole, or `Stale` or `Lost` if its [`fence`](Self::fence) does not hold.
    /// `now` is the changeset's.
    ///
    /// # Examples
    ///
    /// ```
    /// use delta_core::{Change, Outcome, Remove, ResourceId, Timestamp};
    ///
    /// let gone = Change::Remove(Remove { id: ResourceId::new(7), version: 1, events: vec![] });
    /// assert_eq!(gone.apply(None, Timestamp::EPOCH), Err(Outcome::Stale));
    /// ```
    pub fn apply(&self, row: Option<&Resource>, now: Timestamp) -> Result<Written<'_>, Outcome> {
        self.fence(row)?;
        let mut applied = Applied { id: self.id().unwrap_or_default(), moved: false, cancel_requested: false };
        let (row, events) = match (self, row) {
            (Self::Insert(insert), _) => {
                let row = Resource { id: ResourceId::default(), version: 1, ..insert.row.clone() };
                (Some(row), &insert.events[..])
            }
            (Self::Update(update), Some(row)) => (Some(updated(row, update)), &update.events[..]),
            (Self::Settle(settle), Some(row)) => {
                applied.moved = row.lease.is_some_and(|lease| lease.generation != row.generation);
                let settlement = if applied.moved { &settle.moved } else { &settle.unmoved };
                (Some(settled(row, settle, applied.moved, now)), &settlement.events[..])
            }
            (Self::Renew(renew), Some(row)) => {
                applied.cancel_requested = row.lease.is_some_and(|lease| lease.cancel_requested);
                let lease = row.lease.map(|lease| Lease { until: renew.until, ..lease });
                (Some(Resource { lease, ..row.clone() }), &[][..])
            }
            (Self::Remove(remove), Some(_)) => (None, &remove.events[..]),
            (_, None) => return Err(Outcome::Stale),
        };
        Ok(Written { row, events, applied })
    }
}

/// The lease of a row that is pending under this token.
fn held(row: &Resource, token: LeaseToken) -> Option<&Lease> {
    row.lease.as_ref().filter(|lease| row.state == State::Pending && lease.token == token)
}

fn updated(row: &Resource, update: &Update) -> Resource {
    let mut after = Resource {
        id: row.id,
        key: row.key.clone(),
        lease: row.lease,
        version: row.version + 1,
        hash: row.hash,
        error_count: row.error_count,
        detail: row.detail.clone(),
        ..update.row.clone()
    };
    if let (LeaseWrite::RequestCancel, Some(lease)) = (update.lease, &mut after.lease) {
        lease.cancel_requested = true;
    }
    if let (Some(detail), Some(written)) = (&mut after.detail, &update.row.detail) {
        if update.write_object {
            detail.object = written.object.clone();
            after.hash = update.row.hash;
        }
        if update.write_tags {
            detail.tags = written.tags.clone();
        }
    }
    record(&mut after, update.error.as_ref());
    after
}

fn settled(row: &Resource, settle: &Settle, moved: bool, now: Timestamp) -> Resource {
    let settlement = if moved { &settle.moved } else { &settle.unmoved };
    let mut after = Resource {
        state: settlement.state.clone(),
        state_since: now,
        updated_at: now,
        lease: None,
        version: row.version + 1,
        run_at: match settlement.run_at {
            RunAt::Never => None,
            RunAt::At(at) => Some(at),
            RunAt::AskedOr(at) => Some(row.run_at.unwrap_or(at)),
        },
        ..row.clone()
    };
    if let Some(attempt) = settlement.attempt {
        after.attempt = attempt;
    }
    if let Some(generation) = settlement.synced_generation {
        after.synced_generation = generation;
        after.synced_at = Some(now);
    }
    if let Some(by) = settlement.deleted_by {
        after.deleted_by = Some(by);
        after.deleted_at = Some(now);
    }
    record(&mut after, settle.error.as_ref());
    after
}

fn record(row: &mut Resource, error: Option<&AttemptError>) {
    let (Some(error), Some(detail)) = (error, &mut row.detail) else { return };
    row.error_count += 1;
    detail.errors.push(error.clone());
    let surplus = detail.errors.len().saturating_sub(AttemptError::KEPT);
    detail.errors.drain(..surplus);
}

impl ClaimRequest {
    /// Takes a row, if it may be claimed, under the lease of the `number`th of the claim, from 0. Says whether it did. That its
    /// lane is asked for, and that neither its kind nor its namespace is paused, is the store's to know.
    #[must_use]
    pub fn take(&self, row: &mut Resource, number: usize) -> bool {
        let (token, owner, until) = (self.base.offset(number), self.owner, self.until);
        let (generation, attempt) = (row.generation, row.attempt + 1);
        plan::claim(row, Lease { token, generation, attempt, owner, until, cancel_requested: false }, self.now)
    }
}

impl EventDraft {
    /// The event about a row: as the change leaves it, or as it was if the change removes it. The row needs its detail if the
    /// event is to keep the object.
    #[must_use]
    pub fn event(&self, position: Position, row: &Resource, at: Timestamp) -> Event {
        let detail = row.detail.as_ref().filter(|_| self.with_object);
        Event {
            position,
            kind: self.kind,
            subject: Subject::Resource {
                id: row.id,
                key: row.key.clone(),
                state: row.state.clone(),
                generation: self.generation.unwrap_or(row.generation),
                attempt: self.attempt.unwrap_or(row.attempt),
            },
            at,
            metadata: row.metadata.clone(),
            trace: row.trace.clone(),
            object: detail.map(|detail| detail.object.clone()),
        }
    }
}

impl Event {
    /// The event about a kind or a namespace as a whole.
    #[must_use]
    pub fn of_scope(position: Position, kind: EventKind, scope: Scope, at: Timestamp) -> Self {
        let subject = Subject::Scope(scope);
        Self { position, kind, subject, at, metadata: Metadata::EMPTY, trace: None, object: None }
    }
}

impl ScopeRecord {
    /// A kind or a namespace about which nothing is stored yet.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, paused: false, settings: None }
    }

    /// Writes, and names the event to append, if there is one.
    pub fn apply(&mut self, write: &ScopeWrite) -> Option<EventKind> {
        match write {
            ScopeWrite::Settings(settings) => {
                self.settings = Some(settings.clone());
                None
            }
            ScopeWrite::Pause => (!std::mem::replace(&mut self.paused, true)).then_some(EventKind::Paused),
            ScopeWrite::Resume => std::mem::replace(&mut self.paused, false).then_some(EventKind::Resumed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changeset::{Insert, Remove, Renew, Settlement};
    use crate::event::Reason;
    use crate::lease::Owner;
    use crate::name::Name;
    use crate::samples::{NOW, row};

    const LATER: Timestamp = Timestamp::from_micros(NOW.as_micros() + 1);
    const TOKEN: LeaseToken = LeaseToken::new(-4);

    fn draft(kind: EventKind) -> EventDraft {
        EventDraft { kind, generation: None, attempt: None, with_object: false }
    }

    fn pending() -> Resource {
        let (token, owner) = (TOKEN, Owner::new(1));
        let lease = Lease { token, generation: 1, attempt: 1, owner, until: NOW, cancel_requested: false };
        Resource { state: State::Pending, run_at: None, attempt: 1, lease: Some(lease), ..row(7, "a") }
    }

    fn settle() -> Settle {
        let settlement = |run_at, kind| Settlement {
            state: State::Failed,
            attempt: None,
            run_at,
            synced_generation: None,
            deleted_by: None,
            events: vec![draft(kind)],
        };
        Settle {
            id: ResourceId::new(7),
            token: TOKEN,
            over_at: None,
            error: None,
            unmoved: settlement(RunAt::At(LATER), EventKind::Failed),
            moved: settlement(RunAt::AskedOr(LATER), EventKind::Scheduled(Reason::Rerun)),
        }
    }

    fn update(row: Resource) -> Update {
        let lease = LeaseWrite::Keep;
        Update { version: 1, row, lease, write_object: false, write_tags: false, error: None, events: vec![] }
    }

    fn written(change: &Change, row: &Resource) -> Resource {
        change.apply(Some(row), LATER).unwrap().row.unwrap()
    }

    #[test]
    fn an_insert_is_of_a_key_that_does_not_exist() {
        let insert = Insert { row: Resource { version: 9, ..row(9, "a") }, events: vec![draft(EventKind::Expired)] };
        let insert = Change::Insert(Box::new(insert));
        let written = insert.apply(None, NOW).unwrap();
        assert_eq!((written.row, written.events.len()), (Some(row(0, "a")), 1), "id and version are not the caller's");
        assert_eq!(insert.apply(Some(&row(7, "a")), NOW), Err(Outcome::Stale));
    }

    #[test]
    fn an_update_and_a_removal_are_of_the_version_that_was_read() {
        let update = Change::Update(Box::new(update(row(7, "a"))));
        let remove = Change::Remove(Remove { id: ResourceId::new(7), version: 1, events: vec![] });
        for change in [update, remove] {
            assert_eq!(change.fence(Some(&row(7, "a"))), Ok(()));
            assert_eq!(change.fence(Some(&Resource { version: 2, ..row(7, "a") })), Err(Outcome::Stale));
            assert_eq!(change.fence(None), Err(Outcome::Stale));
        }
    }

    #[test]
    fn a_settlement_and_a_renewal_are_of_the_lease_while_it_is_pending() {
        let renew = Change::Renew(Renew { id: ResourceId::new(7), token: TOKEN, until: LATER });
        let rescue = |at| Change::Settle(Box::new(Settle { over_at: Some(at), ..settle() }));
        for change in [renew, Change::Settle(Box::new(settle())), rescue(NOW)] {
            assert_eq!(change.fence(Some(&pending())), Ok(()));
            assert_eq!(change.fence(Some(&Resource { state: State::Synced, ..pending() })), Err(Outcome::Lost));
            assert_eq!(change.fence(Some(&Resource { lease: None, ..pending() })), Err(Outcome::Lost));
            let lease = pending().lease.map(|lease| Lease { token: TOKEN.offset(1), ..lease });
            assert_eq!(change.fence(Some(&Resource { lease, ..pending() })), Err(Outcome::Lost));
            assert_eq!(change.fence(None), Err(Outcome::Lost));
        }
        let early = Timestamp::from_micros(NOW.as_micros() - 1);
        assert_eq!(rescue(early).fence(Some(&pending())), Err(Outcome::Lost), "the lease is not over");
    }

    #[test]
    fn a_settlement_takes_the_outcome_that_fits_the_generation() {
        let change = Change::Settle(Box::new(settle()));
        let after = written(&change, &pending());
        assert_eq!((after.run_at, after.lease, after.version), (Some(LATER), None, 2));
        assert_eq!((after.state_since, after.updated_at, after.attempt), (LATER, LATER, 1));
        let moved = Resource { generation: 2, run_at: Some(NOW), ..pending() };
        let written = change.apply(Some(&moved), LATER).unwrap();
        assert!(written.applied.moved);
        assert_eq!(written.row.unwrap().run_at, Some(NOW), "when it was asked for");
        assert_eq!(written.events, [draft(EventKind::Scheduled(Reason::Rerun))]);
    }

    #[test]
    fn a_claim_takes_a_row_that_is_due_under_its_own_lease() {
        let (owner, base) = (Owner::new(1), LeaseToken::new(i64::MAX));
        let request = ClaimRequest { now: NOW, owner, base, until: LATER, lanes: vec![] };
        let mut due = Resource { generation: 5, attempt: 2, ..row(7, "a") };
        assert!(request.take(&mut due, 1));
        let token = LeaseToken::new(i64::MIN);
        let lease = Lease { token, generation: 5, attempt: 3, owner, until: LATER, cancel_requested: false };
        assert_eq!((due.state, due.lease, due.version), (State::Pending, Some(lease), 2));
        assert_eq!((due.attempt, due.run_at, due.attempted_at), (3, None, Some(NOW)));
        for left in [pending(), Resource { run_at: Some(LATER), ..row(7, "a") }] {
            let mut row = left.clone();
            assert!(!request.take(&mut row, 0));
            assert_eq!(row, left);
        }
    }

    #[test]
    fn an_update_leaves_what_is_not_its_own() {
        let read = Resource { error_count: 3, ..pending() };
        let other = Resource { state: State::Expired, lease: None, error_count: 0, ..row(7, "b") };
        let plain = written(&Change::Update(Box::new(update(other.clone()))), &read);
        assert_eq!((plain.key, plain.lease, plain.error_count), (read.key.clone(), read.lease, 3));
        assert_eq!((plain.state, plain.hash, plain.detail), (State::Expired, read.hash, read.detail.clone()));
        let object = Update { write_object: true, lease: LeaseWrite::RequestCancel, ..update(other.clone()) };
        let object = written(&Change::Update(Box::new(object)), &read);
        assert_eq!((object.hash, object.detail.unwrap().object), (other.hash, other.detail.unwrap().object));
        assert!(object.lease.unwrap().cancel_requested);
    }

    #[test]
    fn a_renewal_moves_the_end_of_the_lease_and_nothing_else() {
        let renew = Change::Renew(Renew { id: ResourceId::new(7), token: TOKEN, until: LATER });
        let mut read = pending();
        read.lease.as_mut().unwrap().cancel_requested = true;
        let written = renew.apply(Some(&read), NOW).unwrap();
        assert!(written.applied.cancel_requested && written.events.is_empty());
        let lease = read.lease.map(|lease| Lease { until: LATER, ..lease });
        assert_eq!(written.row, Some(Resource { lease, ..read }));
    }

    #[test]
    fn the_last_ten_errors_are_kept() {
        let error = |n| AttemptError { at: NOW, generation: 1, attempt: n, message: "no".to_owned(), backtrace: None };
        let mut read = pending();
        for attempt in 0..12 {
            let change = Change::Settle(Box::new(Settle { error: Some(error(attempt)), ..settle() }));
            read = Resource { state: State::Pending, lease: pending().lease, ..written(&change, &read) };
        }
        let kept: Vec<i64> = read.detail.unwrap().errors.iter().map(|error| error.attempt).collect();
        assert_eq!((read.error_count, kept), (12, (2..12).collect()));
    }

    #[test]
    fn an_event_takes_from_the_row_what_its_draft_lacks() {
        let read = pending();
        let position = Position::new(5);
        let event = draft(EventKind::Failed).event(position, &read, LATER);
        let (id, key) = (read.id, read.key.clone());
        let subject = Subject::Resource { id, key, state: State::Pending, generation: 1, attempt: 1 };
        assert_eq!((event.position, event.subject, event.at, event.object), (position, subject, LATER, None));
        let whole = EventDraft { generation: Some(8), attempt: Some(9), with_object: true, ..draft(EventKind::Failed) };
        let event = whole.event(position, &read, LATER);
        assert!(matches!(event.subject, Subject::Resource { generation: 8, attempt: 9, .. }));
        assert_eq!(event.object, read.detail.map(|detail| detail.object));
    }

    #[test]
    fn a_scope_is_paused_and_resumed_with_one_event_each() {
        let mut record = ScopeRecord::new(Scope::Kind(Name::new("thing").unwrap()));
        assert_eq!(record.apply(&ScopeWrite::Resume), None);
        assert_eq!(record.apply(&ScopeWrite::Pause), Some(EventKind::Paused));
        assert_eq!(record.apply(&ScopeWrite::Pause), None);
        assert_eq!(record.apply(&ScopeWrite::Settings("{}".to_owned())), None);
        assert_eq!((record.paused, record.settings.as_deref()), (true, Some("{}")));
        assert_eq!(record.apply(&ScopeWrite::Resume), Some(EventKind::Resumed));
    }
}
