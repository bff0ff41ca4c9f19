use delta_core::{
    Change, Changeset, ClaimRequest, Cursor, CursorChange, Event, Outcome, Position, Receipt, Resource, ResourceId,
    Returning, Scope, ScopeChange, ScopeRecord, Timestamp, Written,
};
use redb::{ReadableTable, Table, WriteTransaction};
use serde::Serialize;

use crate::errors::{Failure, Result};
use crate::read::{find, find_cursor, first_due, is_paused, stored};
use crate::tables::{
    CLAIMABLE, CURSORS, ClaimKey, DUE, DueKey, EVENTS, KEYS, NUMBERS, ObjectKey, ROWS, SCOPES, ScopeKey, claim_key,
    due_keys, object_key, scope_key,
};

/// All tables, open for writing, and what was appended to the log.
pub(crate) struct Tables<'tx> {
    rows: Table<'tx, i64, &'static [u8]>,
    keys: Table<'tx, ObjectKey<'static>, i64>,
    claimable: Table<'tx, ClaimKey<'static>, ()>,
    due: Table<'tx, DueKey, ()>,
    events: Table<'tx, i64, &'static [u8]>,
    cursors: Table<'tx, &'static str, &'static [u8]>,
    scopes: Table<'tx, ScopeKey<'static>, &'static [u8]>,
    pub(crate) numbers: Table<'tx, &'static str, i64>,
    appended: Vec<Event>,
}

impl<'tx> Tables<'tx> {
    /// Opens the tables, and makes those that are not there yet.
    pub(crate) fn open(tx: &'tx WriteTransaction) -> Result<Self> {
        Ok(Self {
            rows: tx.open_table(ROWS)?,
            keys: tx.open_table(KEYS)?,
            claimable: tx.open_table(CLAIMABLE)?,
            due: tx.open_table(DUE)?,
            events: tx.open_table(EVENTS)?,
            cursors: tx.open_table(CURSORS)?,
            scopes: tx.open_table(SCOPES)?,
            numbers: tx.open_table(NUMBERS)?,
            appended: Vec::new(),
        })
    }

    /// Applies a changeset, which was checked.
    pub(crate) fn apply(&mut self, set: &Changeset) -> Result<Receipt> {
        for change in &set.cursors {
            let version = find_cursor(&self.cursors, change.name())?.map_or(0, |cursor| cursor.version);
            if version != change.version() {
                return Ok(Receipt { lost_cursor: Some(change.name().to_owned()), ..Receipt::default() });
            }
        }
        // All fences are looked at before anything is written: a changeset does not see its own work.
        let before = set.changes.iter().map(|change| self.named(change)).collect::<Result<Vec<_>, _>>()?;
        let mut receipt = Receipt::default();
        for (change, before) in set.changes.iter().zip(before) {
            receipt.outcomes.push(match change.apply(before.as_ref(), set.now) {
                Ok(written) => self.write(before.as_ref(), written, set.now)?,
                Err(outcome) => outcome,
            });
        }
        for change in &set.cursors {
            self.write_cursor(change)?;
        }
        for change in &set.scopes {
            self.write_scope(change, set.now)?;
        }
        if set.returning == Returning::Events {
            receipt.events = std::mem::take(&mut self.appended);
        }
        Ok(receipt)
    }

    /// The row that a change names, by its id or by its key.
    fn named(&self, change: &Change) -> Result<Option<Resource>> {
        let id = match change.inserted_key() {
            Some(key) => self.keys.get(object_key(key))?.map(|id| id.value()),
            None => change.id().map(ResourceId::get),
        };
        id.map_or(Ok(None), |id| find(&self.rows, id))
    }

    fn write(&mut self, before: Option<&Resource>, written: Written<'_>, now: Timestamp) -> Result<Outcome> {
        let Written { row: mut after, events, mut applied } = written;
        if let (None, Some(new)) = (before, &mut after) {
            new.id = ResourceId::new(self.next("id")?);
            applied.id = new.id;
            self.name_scopes(new)?;
        }
        for draft in events {
            if let Some(about) = after.as_ref().or(before) {
                self.append(|position| draft.event(position, about, now))?;
            }
        }
        self.replace(before, after.as_ref())?;
        Ok(Outcome::Applied(applied))
    }

    /// Puts a row in the place of another, or of none, or none in its place; and the same in every index.
    fn replace(&mut self, before: Option<&Resource>, after: Option<&Resource>) -> Result<()> {
        if let Some(row) = before {
            claim_key(row).map(|key| self.claimable.remove(key).map(drop)).transpose()?;
            due_keys(row).try_for_each(|key| self.due.remove(key).map(drop))?;
        }
        if let Some(row) = after {
            claim_key(row).map(|key| self.claimable.insert(key, ()).map(drop)).transpose()?;
            due_keys(row).try_for_each(|key| self.due.insert(key, ()).map(drop))?;
            self.rows.insert(row.id.get(), &*json(row)?)?;
        }
        match (before, after) {
            (None, Some(row)) => drop(self.keys.insert(object_key(&row.key), row.id.get())?),
            (Some(row), None) => {
                self.rows.remove(row.id.get())?;
                self.keys.remove(object_key(&row.key))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives out a number that was never given out. What is rolled back is given out again: nobody has seen it.
    fn next(&mut self, number: &'static str) -> Result<i64> {
        let next = self.numbers.get(number)?.map_or(0, |last| last.value()) + 1;
        self.numbers.insert(number, next)?;
        Ok(next)
    }

    fn append(&mut self, event: impl FnOnce(Position) -> Event) -> Result<()> {
        let event = event(Position::new(self.next("position")?));
        self.events.insert(event.position.get(), &*json(&event)?)?;
        self.appended.push(event);
        Ok(())
    }

    fn write_cursor(&mut self, change: &CursorChange) -> Result<()> {
        match change {
            CursorChange::Put(cursor) => {
                let stored = Cursor { version: cursor.version + 1, ..cursor.clone() };
                self.cursors.insert(change.name(), &*json(&stored)?)?;
            }
            CursorChange::Remove { name, .. } => drop(self.cursors.remove(name.as_str())?),
        }
        Ok(())
    }

    /// Notes that the kind and the namespace of a new row exist.
    fn name_scopes(&mut self, row: &Resource) -> Result<()> {
        for scope in [Scope::Kind(row.key.kind.clone()), Scope::Namespace(row.key.namespace.clone())] {
            if self.scopes.get(scope_key(&scope))?.is_none() {
                self.scopes.insert(scope_key(&scope), &*json(&ScopeRecord::new(scope.clone()))?)?;
            }
        }
        Ok(())
    }

    fn write_scope(&mut self, change: &ScopeChange, now: Timestamp) -> Result<()> {
        let scope = &change.scope;
        let record = stored(self.scopes.get(scope_key(scope))?)?;
        let mut record: ScopeRecord = record.unwrap_or_else(|| ScopeRecord::new(scope.clone()));
        if let Some(kind) = record.apply(&change.write) {
            self.append(|position| Event::of_scope(position, kind, scope.clone(), now))?;
        }
        self.scopes.insert(scope_key(scope), &*json(&record)?)?;
        Ok(())
    }

    /// Claims what the lanes have. Nobody else holds a row: there is one writer.
    pub(crate) fn claim(&mut self, request: &ClaimRequest) -> Result<Vec<Resource>> {
        let mut claimed = Vec::new();
        for (lane, limit) in &request.lanes {
            if is_paused(&self.scopes, lane)? {
                continue;
            }
            for id in first_due(&self.claimable, lane, request.now, *limit)? {
                let Some(before) = find(&self.rows, id)? else { continue };
                let mut row = before.clone();
                if request.take(&mut row, claimed.len()) {
                    self.replace(Some(&before), Some(&row))?;
                    claimed.push(row);
                }
            }
        }
        Ok(claimed)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Failure::corrupt)
}
