use std::collections::BTreeMap;

use delta_core::plan::consume::{ConsumerCursor, MEMBER_PREFIX};
use delta_core::plan::schedule::{LEADER, term};
use delta_core::{Cursor, Owner, Timestamp};

use super::clocks::Clocks;
use super::invariant::Invariant;
use crate::history::{Entry, What};

/// What only one may move has one holder: it changes only when the place is free, was given back, or its lease is over. The
/// leader's terms only count up, by one for each new holder, and a cursor's version by one for each write.
///
/// A slice of a consumer is held for as long as its holder is a member, whatever the slice's own lease says.
#[derive(Debug, Default)]
pub struct OneLeader {
    clocks: Clocks,
    /// The leases of members, by the log and the consumer and by owner.
    members: BTreeMap<(String, Owner), Member>,
}

#[derive(Debug)]
struct Member {
    until: Timestamp,
    /// Whether it ever left, or was renewed when it was over: others may have begun to take its slices.
    lapsed: bool,
}

impl OneLeader {
    /// With clocks of such an error.
    #[must_use]
    pub fn new(clocks: Clocks) -> Self {
        Self { clocks, ..Self::default() }
    }

    fn written(&self, at: Timestamp, before: &Cursor, after: &Cursor) -> Result<(), &'static str> {
        if after.version != before.version + 1 {
            return Err("a version more");
        }
        let changes = before.holder != after.holder;
        let Some(holder) = before.holder.filter(|_| changes) else { return Ok(()) };
        // Given back: that is the holder's to do, and nobody else's but of whoever ends a turn that was never ended.
        if after.holder.is_none() {
            return Ok(());
        }
        let lease = match ConsumerCursor::parse(&before.name) {
            Some(ConsumerCursor { log, consumer, slice: Some(_) }) => {
                let member = self.members.get(&(format!("{log}/{consumer}"), holder));
                member.filter(|member| !member.lapsed).map(|member| member.until)
            }
            _ => before.lease_until,
        };
        if lease.is_none_or(|until| self.clocks.may_be_past(until, at)) {
            return Ok(());
        }
        Err("its holder, whose lease is not over")
    }
}

impl Invariant for OneLeader {
    fn name(&self) -> &'static str {
        "only one holds a place, and terms count up"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        self.clocks.see(entry);
        let What::Cursor { before, after } = &entry.what else { return Ok(()) };
        if let (Some(before), Some(after)) = (before, after) {
            let wrong = |expected| format!("expected {expected}, found {before:?} to become {after:?}");
            self.written(entry.at, before, after).map_err(wrong)?;
            if before.name == LEADER {
                let new = after.holder.is_some() && after.holder != before.holder;
                if term(after) != term(before) + u64::from(new) {
                    return Err(wrong("the term to count up by one with a new leader, and only then"));
                }
            }
        }
        if let (None, Some(after)) = (before, after)
            && after.version != 1
        {
            return Err(format!("expected version 1 of a new cursor, found {after:?}"));
        }
        if let Some(cursor) = after.as_ref().or(before.as_ref())
            && let Some((consumer, owner)) = member(cursor)
        {
            let name = (consumer, owner);
            let known = self.members.remove(&name);
            let over = |known: &Member| known.lapsed || self.clocks.may_be_past(known.until, entry.at);
            let lapsed = known.as_ref().is_some_and(over);
            let member = match after.as_ref().and_then(|cursor| cursor.lease_until) {
                Some(until) => Member { until, lapsed },
                // Who leaves, and comes back under the same name, finds that others have begun to take its slices.
                None => Member { until: entry.at, lapsed: true },
            };
            self.members.insert(name, member);
        }
        Ok(())
    }
}

/// Of which consumer, with its log, a cursor says that somebody is a member.
fn member(cursor: &Cursor) -> Option<(String, Owner)> {
    let (consumer, _) = cursor.name.strip_prefix(MEMBER_PREFIX)?.rsplit_once('/')?;
    Some((consumer.to_owned(), cursor.holder?))
}
