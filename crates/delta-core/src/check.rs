//! What is wrong with a call whatever the database holds: S20.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use crate::changeset::{Change, Changeset};
use crate::cursor::CursorChange;
use crate::error::{Error, ErrorKind, Result};
use crate::query::ClaimRequest;

impl Changeset {
    /// Checks what can be told without a database. A store calls it before it writes any of it: S20.
    ///
    /// # Errors
    ///
    /// `Invalid`, with the caller's `operation`, if a resource, a new key, a cursor or a scope is named twice, or if a change
    /// is to write a detail that its row does not have.
    ///
    /// # Examples
    ///
    /// ```
    /// use delta_core::{Changeset, Cursor, Timestamp};
    ///
    /// let mut changes = Changeset::new(Timestamp::EPOCH);
    /// changes.cursors = vec![Cursor::new("mailer").put(), Cursor::new("mailer").remove()];
    /// let error = changes.check("commit").unwrap_err();
    /// assert_eq!(error.to_string(), "commit: invalid: expected each cursor once, found mailer twice");
    /// ```
    pub fn check(&self, operation: &'static str) -> Result<()> {
        once(operation, "resource", self.changes.iter().filter_map(Change::id))?;
        once(operation, "new key", self.changes.iter().filter_map(Change::inserted_key))?;
        once(operation, "cursor", self.cursors.iter().map(CursorChange::name))?;
        once(operation, "kind and namespace", self.scopes.iter().map(|change| &change.scope))?;
        for change in &self.changes {
            let (row, needed) = match change {
                Change::Insert(insert) => (&insert.row, true),
                Change::Update(update) => (&update.row, update.write_object || update.write_tags),
                Change::Remove(_) | Change::Settle(_) | Change::Renew(_) => continue,
            };
            if needed && row.detail.is_none() {
                let what = format!("expected the detail that is to be written, found {} without", row.key);
                return Err(Error::new(ErrorKind::Invalid, operation, what));
            }
        }
        Ok(())
    }
}

impl ClaimRequest {
    /// Checks what can be told without a database. A store calls it before it claims anything: S20.
    ///
    /// # Errors
    ///
    /// `Invalid`, with the caller's `operation`, if a lane is named twice.
    pub fn check(&self, operation: &'static str) -> Result<()> {
        once(operation, "lane", self.lanes.iter().map(|(lane, _)| lane))
    }
}

fn once<T: Hash + Eq + Display + Copy>(
    operation: &'static str,
    what: &str,
    items: impl Iterator<Item = T>,
) -> Result<()> {
    let mut seen = HashSet::with_capacity(items.size_hint().0);
    for item in items {
        if !seen.insert(item) {
            let what = format!("expected each {what} once, found {item} twice");
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changeset::{Insert, LeaseWrite, Remove, Renew, ScopeChange, ScopeWrite, Update};
    use crate::cursor::Cursor;
    use crate::event::Scope;
    use crate::key::Lane;
    use crate::lease::{LeaseToken, Owner};
    use crate::name::Name;
    use crate::resource::{Resource, ResourceId};
    use crate::samples::{NOW, row};

    fn insert(row: Resource) -> Change {
        Change::Insert(Box::new(Insert { row, events: vec![] }))
    }

    fn update(row: Resource) -> Update {
        let lease = LeaseWrite::Keep;
        Update { version: 1, row, lease, write_object: false, write_tags: false, error: None, events: vec![] }
    }

    fn remove(id: i64) -> Change {
        Change::Remove(Remove { id: ResourceId::new(id), version: 1, events: vec![] })
    }

    fn renew(id: i64) -> Change {
        Change::Renew(Renew { id: ResourceId::new(id), token: LeaseToken::new(1), until: NOW })
    }

    fn found(changes: &Changeset) -> Option<String> {
        let error = changes.check("test").err()?;
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Invalid, "test"));
        Some(error.to_string())
    }

    fn found_in(changes: impl IntoIterator<Item = Change>) -> Option<String> {
        found(&Changeset { changes: changes.into_iter().collect(), ..Changeset::new(NOW) })
    }

    #[test]
    fn a_resource_may_be_named_once_and_so_may_a_new_key() {
        let twice = Some("test: invalid: expected each resource once, found 7 twice".to_owned());
        assert_eq!(found_in([remove(7), renew(8), remove(9)]), None);
        assert_eq!(found_in([remove(7), renew(8), renew(7)]), twice);
        assert_eq!(found_in([Change::Update(Box::new(update(row(7, "a")))), remove(7)]), twice);
        let twice = Some("test: invalid: expected each new key once, found eu/thing/a twice".to_owned());
        assert_eq!(found_in([insert(row(0, "a")), insert(row(0, "b"))]), None);
        assert_eq!(found_in([insert(row(0, "a")), insert(row(0, "a"))]), twice);
    }

    #[test]
    fn a_cursor_and_a_scope_may_be_named_once() {
        let mut changes = Changeset::new(NOW);
        changes.cursors = vec![Cursor::new("a").put(), Cursor::new("b").put()];
        assert_eq!(found(&changes), None);
        changes.cursors.push(Cursor::new("a").remove());
        assert_eq!(found(&changes), Some("test: invalid: expected each cursor once, found a twice".to_owned()));

        let mut changes = Changeset::new(NOW);
        let name = Name::new("eu").unwrap();
        let pause = |scope| ScopeChange { scope, write: ScopeWrite::Pause };
        changes.scopes = [Scope::Kind(name.clone()), Scope::Namespace(name.clone())].map(pause).to_vec();
        assert_eq!(found(&changes), None, "a kind and a namespace of one name are two");
        changes.scopes.push(ScopeChange { scope: Scope::Kind(name), write: ScopeWrite::Resume });
        let twice = "test: invalid: expected each kind and namespace once, found kind eu twice";
        assert_eq!(found(&changes), Some(twice.to_owned()));
    }

    #[test]
    fn what_writes_a_detail_must_have_it() {
        let head = || Resource { detail: None, ..row(7, "a") };
        let without =
            Some("test: invalid: expected the detail that is to be written, found eu/thing/a without".to_owned());
        assert_eq!(found_in([insert(head())]), without);
        for (write_object, write_tags) in [(false, false), (true, false), (false, true)] {
            let update = |row| Change::Update(Box::new(Update { write_object, write_tags, ..update(row) }));
            assert_eq!(found_in([update(head())]), without.clone().filter(|_| write_object || write_tags));
            assert_eq!(found_in([update(row(7, "a"))]), None);
        }
    }

    #[test]
    fn a_lane_may_be_claimed_from_once() {
        let lane = |kind| Lane { namespace: Name::new("eu").unwrap(), kind: Name::new(kind).unwrap() };
        let (owner, base) = (Owner::new(1), LeaseToken::new(1));
        let mut request =
            ClaimRequest { now: NOW, owner, base, until: NOW, lanes: vec![(lane("a"), 1), (lane("b"), 1)] };
        assert!(request.check("test").is_ok());
        request.lanes.push((lane("a"), 2));
        let error = request.check("test").unwrap_err();
        assert_eq!(error.to_string(), "test: invalid: expected each lane once, found eu/a twice");
    }
}
