use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delta_core::{
    Change, Changeset, ClaimRequest, Claimed, Cursor, Insert, Key, LeaseToken, LoadBy, Name, Owner, Receipt, Resource,
    Returning, Scope, ScopeChange, ScopeWrite,
};

use super::make::{self, Clock, LANES};
use super::normal;
use super::step::{Edit, Edits, Step, Within};
use crate::contract::{Fixture, Keep, Kit};

/// A row as both sides had it at one moment.
#[derive(Clone)]
struct Read {
    reference: Resource,
    other: Resource,
}

/// One changeset, for each side.
struct Pair {
    reference: Changeset,
    other: Changeset,
    keys: BTreeSet<Key>,
}

/// Two stores that do the same.
pub(super) struct World<R, O> {
    pub(super) reference: Kit<R>,
    pub(super) other: Kit<O>,
    pub(super) clock: Clock,
    /// What was read, the last at the end: what has moved on since is what makes a fence lost.
    reads: Vec<Read>,
    cursors: BTreeMap<String, Vec<Cursor>>,
    claims: i64,
    /// Whether things went on at once, so that the order of events is no longer the same.
    pub(super) at_once: bool,
}

impl<R: Fixture, O: Fixture> World<R, O> {
    pub(super) fn new(reference: R, other: O) -> Self {
        Self {
            reference: Kit::new(reference),
            other: Kit::new(other),
            clock: Clock::new(crate::contract::rows::T0),
            reads: Vec::new(),
            cursors: BTreeMap::new(),
            claims: 0,
            at_once: false,
        }
    }

    pub(super) async fn step(&mut self, step: &Step) {
        self.clock.now = self.clock.now + Duration::from_micros(1_003);
        match step {
            Step::Wait(seconds) => self.clock.now = self.clock.now + Duration::from_secs((*seconds).into()),
            Step::Commit { changesets, within: Within::Themselves } => {
                for edits in changesets {
                    let pair = self.pair(edits);
                    let reference = self.reference.commit(&pair.reference).await;
                    let other = self.other.commit(&pair.other).await;
                    assert_eq!(normal::receipt(&reference), normal::receipt(&other), "{edits:?}");
                    self.refresh(pair.keys).await;
                }
            }
            Step::Commit { changesets, within } => self.transaction(changesets, *within).await,
            Step::Together(groups) => self.together(groups).await,
            Step::Claim { finished, lanes, lease } => self.claim(finished, lanes, *lease).await,
            Step::Read { choice, limit } => super::compare::everything(self, *choice, *limit).await,
        }
    }

    fn read(&self, pick: u8) -> Option<&Read> {
        let index = self.reads.len().checked_sub(1)?.checked_sub(usize::from(pick) % self.reads.len())?;
        self.reads.get(index)
    }

    /// Makes both sides' changesets of edits; what is about a row that is named already is left out.
    fn pair(&mut self, edits: &Edits) -> Pair {
        let mut named = BTreeSet::new();
        self.pair_beside(edits, &mut named)
    }

    fn pair_beside(&mut self, edits: &Edits, named: &mut BTreeSet<Key>) -> Pair {
        let now = self.clock.now;
        let mut pair = Pair { reference: Changeset::new(now), other: Changeset::new(now), keys: BTreeSet::new() };
        for edit in &edits.rows {
            let Some((reference, other, key)) = self.change(*edit) else { continue };
            if named.insert(key.clone()) {
                pair.reference.changes.push(reference);
                pair.other.changes.push(other);
                pair.keys.insert(key);
            }
        }
        let mut moved = BTreeSet::new();
        for (name, ago, seed) in &edits.cursors {
            let name = format!("cursor/{name}%");
            if moved.insert(name.clone()) {
                pair.reference.cursors.push(self.cursor(&name, *ago, *seed));
            }
        }
        let mut written = BTreeSet::new();
        for (scope, write) in &edits.scopes {
            let (namespace, kind) = LANES[usize::from(*scope) % LANES.len()];
            let name = |text: &str| Name::new(text).expect("a name");
            let scope = if scope % 2 == 0 { Scope::Namespace(name(namespace)) } else { Scope::Kind(name(kind)) };
            let write = match write % 3 {
                0 => ScopeWrite::Pause,
                1 => ScopeWrite::Resume,
                _ => ScopeWrite::Settings(r#"{ "a":1}"#.to_owned()),
            };
            if written.insert(scope.clone()) {
                pair.reference.scopes.push(ScopeChange { scope, write });
            }
        }
        pair.reference.returning = Returning::Events;
        pair.other.returning = Returning::Events;
        pair.other.cursors.clone_from(&pair.reference.cursors);
        pair.other.scopes.clone_from(&pair.reference.scopes);
        pair
    }

    fn change(&mut self, edit: Edit) -> Option<(Change, Change, Key)> {
        let now = self.clock.now;
        let pick = match edit {
            Edit::Insert { name, lane, seed } => {
                let row = make::new_row(make::key(name, lane), seed, &mut self.clock);
                let key = row.key.clone();
                let created = delta_core::EventKind::Scheduled(delta_core::Reason::Created);
                let event = delta_core::EventDraft {
                    kind: created,
                    generation: None,
                    attempt: None,
                    with_object: seed % 2 == 0,
                };
                let change = Change::Insert(Box::new(Insert { row, events: vec![event] }));
                return Some((change.clone(), change, key));
            }
            Edit::Inform(pick)
            | Edit::Remove(pick)
            | Edit::Rescue(pick)
            | Edit::Touch { pick, .. }
            | Edit::Settle { pick, .. }
            | Edit::Renew { pick, .. }
            | Edit::Plan { pick, .. } => pick,
        };
        let times = [self.clock.unique(i64::from(pick % 20) - 5), self.clock.unique(i64::from(pick % 30))];
        let read = self.read(pick)?;
        let reference = make::change(edit, &read.reference, now, times)?;
        let other = make::change(edit, &read.other, now, times)?;
        Some((reference, other, read.reference.key.clone()))
    }

    fn cursor(&self, name: &str, ago: u8, seed: u8) -> delta_core::CursorChange {
        let known = self.cursors.get(name).map_or(&[][..], Vec::as_slice);
        let index = known.len().checked_sub(1 + usize::from(ago));
        let read = index.and_then(|index| known.get(index)).cloned().unwrap_or_else(|| Cursor::new(name));
        if seed.is_multiple_of(5) {
            return read.remove();
        }
        let now = self.clock.now;
        let cursor = Cursor {
            position: (!seed.is_multiple_of(3)).then(|| format!("{seed}")),
            holder: seed.is_multiple_of(2).then(|| Owner::new(-i64::from(seed))),
            lease_until: seed.is_multiple_of(2).then(|| now + Duration::from_secs(seed.into())),
            next_at: (!seed.is_multiple_of(7)).then(|| now + Duration::from_secs(u64::from(seed % 64))),
            data: seed.is_multiple_of(4).then(|| format!(r#"{{"seed" : {seed}}}"#)),
            ..read
        };
        cursor.put()
    }

    /// Reads what a step was about on both sides, compares it, and remembers it.
    async fn refresh(&mut self, keys: BTreeSet<Key>) {
        let by = LoadBy::Keys(keys.into_iter().collect());
        let by_key =
            |rows: Vec<Resource>| rows.into_iter().map(|row| (row.key.clone(), row)).collect::<BTreeMap<_, _>>();
        let reference = by_key(self.reference.load(by.clone()).await);
        let mut other = by_key(self.other.load(by).await);
        assert_eq!(reference.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "the rows that there are");
        for (key, reference) in reference {
            let Some(other) = other.remove(&key) else { continue };
            assert_eq!(normal::row(&reference), normal::row(&other));
            self.reads.push(Read { reference, other });
        }
        let all = delta_core::CursorQuery::Prefix("cursor/".to_owned());
        let cursors = self.reference.cursors(&all).await;
        assert_eq!(cursors, self.other.cursors(&all).await);
        for cursor in cursors {
            let known = self.cursors.entry(cursor.name.clone()).or_default();
            if known.last() != Some(&cursor) {
                known.push(cursor);
            }
        }
    }

    async fn transaction(&mut self, changesets: &[Edits], within: Within) {
        let mut reference_tx = self.reference.begin().await;
        let mut other_tx = self.other.begin().await;
        let mut keys = BTreeSet::new();
        for edits in changesets {
            let pair = self.pair(edits);
            let reference = self.reference.commit_in(&mut reference_tx, &pair.reference).await;
            let other = self.other.commit_in(&mut other_tx, &pair.other).await;
            assert_eq!(normal::receipt(&reference), normal::receipt(&other), "{edits:?} in a transaction");
            let by = LoadBy::Keys(pair.keys.iter().cloned().collect());
            let reference = self.reference.load_in(&mut reference_tx, by.clone()).await;
            let other = self.other.load_in(&mut other_tx, by).await;
            assert_eq!(normal::by_key(reference), normal::by_key(other), "what a transaction reads of its own");
            keys.extend(pair.keys);
        }
        let keep = if within == Within::Committed { Keep::Commit } else { Keep::Rollback };
        self.reference.end(reference_tx, keep).await;
        self.other.end(other_tx, keep).await;
        self.refresh(keys).await;
    }

    async fn together(&mut self, groups: &[Vec<Edit>]) {
        let mut named = BTreeSet::new();
        let mut pairs = Vec::new();
        for group in groups {
            let edits = Edits { rows: group.clone(), ..Edits::default() };
            pairs.push(self.pair_beside(&edits, &mut named));
        }
        let mut reference: Vec<Receipt> = Vec::new();
        for pair in &pairs {
            reference.push(self.reference.commit(&pair.reference).await);
        }
        let other = futures::future::join_all(pairs.iter().map(|pair| self.other.commit(&pair.other))).await;
        for (reference, other) in reference.iter().zip(&other) {
            assert_eq!(normal::receipt(reference), normal::receipt(other), "{groups:?} at once");
        }
        self.at_once = true;
        self.refresh(named).await;
    }

    async fn claim(&mut self, finished: &[u8], lanes: &[(u8, u8)], lease: u8) {
        let now = self.clock.now;
        let mut settle = Pair { reference: Changeset::new(now), other: Changeset::new(now), keys: BTreeSet::new() };
        for pick in finished {
            // Not due again for as long as any history lasts: whether a claim takes what it has just settled is the store's
            // own choice.
            let later = self.clock.unique(1_000_000);
            let Some(read) = self.read(*pick).cloned() else { continue };
            let changes = (make::finished(&read.reference, now, later), make::finished(&read.other, now, later));
            if let (Some(reference), Some(other)) = changes
                && settle.keys.insert(read.reference.key.clone())
            {
                settle.reference.changes.push(reference);
                settle.other.changes.push(other);
            }
        }
        self.claims += 1;
        let asked: BTreeMap<u8, u8> = lanes.iter().copied().collect();
        let lanes = asked.into_iter().map(|(lane, limit)| (make::key(0, lane).lane(), u32::from(limit)));
        let request = ClaimRequest {
            now,
            owner: Owner::new(self.claims),
            base: LeaseToken::new(self.claims * 1_000),
            until: now + Duration::from_secs(lease.into()),
            lanes: lanes.collect(),
        };
        let reference = self.reference.try_claim(&settle.reference, &request).await.expect("a claim");
        let other = self.other.try_claim(&settle.other, &request).await.expect("a claim");
        let what = format!("{request:?} after {finished:?}");
        assert_eq!(normal::receipt(&reference.receipt), normal::receipt(&other.receipt), "{what}");
        assert_eq!(normal::rows(&reference.resources), normal::rows(&other.resources), "{what}");
        has_tokens_of(&reference, &request);
        has_tokens_of(&other, &request);
        settle.keys.extend(reference.resources.iter().map(|row| row.key.clone()));
        self.refresh(settle.keys).await;
    }
}

fn has_tokens_of(claimed: &Claimed, request: &ClaimRequest) {
    let tokens: BTreeSet<LeaseToken> =
        claimed.resources.iter().filter_map(|row| row.lease).map(|lease| lease.token).collect();
    let expected = (0..claimed.resources.len()).map(|number| request.base.offset(number)).collect();
    assert_eq!(tokens, expected, "the tokens of a claim count from its base");
}
