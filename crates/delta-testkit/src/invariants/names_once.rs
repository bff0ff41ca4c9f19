use std::collections::{BTreeMap, BTreeSet};

use delta_core::{Key, LeaseToken, ResourceId};

use super::invariant::Invariant;
use crate::history::{Entry, Last, What};

/// No id of a resource and no token of a lease is ever given out twice, not after a purge either, and no key has two rows.
#[derive(Debug, Default)]
pub struct NamesOnce {
    ids: BTreeSet<ResourceId>,
    tokens: BTreeSet<LeaseToken>,
    keys: BTreeMap<Key, ResourceId>,
}

impl Invariant for NamesOnce {
    fn name(&self) -> &'static str {
        "ids, lease tokens and keys name one thing each"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let What::Row { before, after } = &entry.what else { return Ok(()) };
        let Some(row) = after else {
            if let Some(row) = before {
                self.keys.remove(&row.key);
            }
            return Ok(());
        };
        if before.is_none() && !self.ids.insert(row.id) {
            return Err(format!("expected a new id, found {} again: {}", row.id, entry.what));
        }
        if let Some(other) = self.keys.insert(row.key.clone(), row.id).filter(|other| *other != row.id) {
            return Err(format!("expected one row of {}, found {} beside {other}", row.key, row.id));
        }
        let had = before.as_ref().and_then(|row| row.lease).map(|lease| lease.token);
        if let Some(lease) = row.lease.filter(|lease| had != Some(lease.token))
            && !self.tokens.insert(lease.token)
        {
            return Err(format!(
                "expected a new token of the lease, found {} again: {}",
                lease.token.get(),
                entry.what
            ));
        }
        Ok(())
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        let mut keys = BTreeMap::new();
        let mut tokens = BTreeMap::new();
        for row in &last.rows {
            if let Some(other) = keys.insert(&row.key, row.id) {
                return Err(format!("expected one row of {}, found {other} and {}", row.key, row.id));
            }
            if let Some(lease) = row.lease
                && let Some(other) = tokens.insert(lease.token, row.id)
            {
                return Err(format!("expected each lease once, found that of {other} at {} too", row.id));
            }
        }
        Ok(())
    }
}
