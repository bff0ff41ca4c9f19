use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use delta_core::plan::consume::ConsumerCursor;
use delta_core::plan::schedule::{self, InformCursor};
use delta_core::transition::{Effect, Input, TABLE};
use delta_core::{Cursor, Owner, Timestamp};

use super::area::{ATTEMPT, Area, CONSUMER, INFORMER, LEADER, SLICE, WAYS};
use super::excluded::EXCLUDED;
use super::rules::{self, Rules};
use crate::fault::Operation;
use crate::history::{Actor, Answer, Ask, Attempt, Entry, History, What};
use crate::sim::words::{LOST_CURSOR, NOBODY};

/// How often each thing has happened that simulations are to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<(Area, String), u64>,
    faults: BTreeSet<&'static str>,
}

impl Coverage {
    /// Nothing has happened yet; all of these kinds of faults are to, beside what every simulation is to show.
    #[must_use]
    pub fn new(faults: impl IntoIterator<Item = &'static str>) -> Self {
        Self { counts: BTreeMap::new(), faults: faults.into_iter().collect() }
    }

    /// Counts what has happened in one run.
    pub fn add(&mut self, history: &History) {
        let mut watch = Watch { coverage: self, rules: Rules::default(), seen: Seen::default() };
        let is_write = |entry: &Entry| {
            matches!(entry.what, What::Row { .. } | What::Appended(_) | What::Cursor { .. } | What::Scope { .. })
        };
        for call in history.entries().chunk_by(|one, next| is_write(one) && is_write(next)) {
            watch.see(call);
        }
    }

    /// Adds what others have counted.
    pub fn merge(&mut self, other: &Self) {
        self.faults.extend(&other.faults);
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_insert(0) += count;
        }
    }

    /// How often a thing has happened.
    #[must_use]
    pub fn count(&self, area: Area, name: &str) -> u64 {
        self.counts.get(&(area, name.to_owned())).copied().unwrap_or(0)
    }

    /// Everything that is to happen in an area, with how often it has; nothing that is [`EXCLUDED`].
    #[must_use]
    pub fn of(&self, area: Area) -> Vec<(String, u64)> {
        let mut names = area.expected();
        if area == Area::Fault {
            names.extend(self.faults.iter().map(ToString::to_string));
        }
        names.retain(|name| !is_excluded(area, name));
        names
            .into_iter()
            .map(|name| {
                let count = self.count(area, &name);
                (name, count)
            })
            .collect()
    }

    /// What has never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<(Area, String)> {
        let never = |area| {
            let names = self.of(area).into_iter();
            names.filter_map(move |(name, count)| (count == 0).then_some((area, name)))
        };
        Area::ALL.into_iter().flat_map(never).collect()
    }

    /// What has happened that nobody expects: an excluded thing, or a fault that the model does not name.
    #[must_use]
    pub fn unexpected(&self) -> Vec<(Area, String)> {
        let known = |area: Area, name: &str| match area {
            Area::Fault => self.faults.contains(name),
            // Any call may be cut off, and any change have an outcome that is rare.
            Area::Crash | Area::Change => true,
            _ => area.expected().iter().any(|expected| expected == name) && !is_excluded(area, name),
        };
        self.counts.keys().filter(|(area, name)| !known(*area, name)).cloned().collect()
    }

    fn happened(&mut self, area: Area, name: impl Into<String>) {
        *self.counts.entry((area, name.into())).or_insert(0) += 1;
    }
}

fn is_excluded(area: Area, name: &str) -> bool {
    EXCLUDED.iter().any(|(of, begins, _)| *of == area && name.starts_with(begins))
}

/// One line for each area.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<12} {:>8}   {:<10} seldom", "coverage", "shown", "least")?;
        for area in Area::ALL {
            let all = self.of(area);
            let shown = all.iter().filter(|(_, count)| *count > 0).count();
            let least = all.iter().min_by_key(|(_, count)| *count);
            let (name, count) = least.map_or(("", 0), |(name, count)| (name.as_str(), *count));
            let shown = format!("{shown}/{}", all.len());
            writeln!(f, "{area:<12} {shown:>8}   {count:<10} {name}")?;
        }
        Ok(())
    }
}

/// What is known of one run on the way.
#[derive(Default)]
struct Seen<'a> {
    running: BTreeMap<&'a Actor, Vec<&'a Attempt>>,
    /// Calls that nobody waited for any more, by their caller and when.
    dropped: BTreeMap<(&'a Actor, Timestamp), Vec<&'a str>>,
    crashed: BTreeMap<&'a Actor, Timestamp>,
    /// Who held a place last.
    holders: BTreeMap<&'a str, Owner>,
}

struct Watch<'a, 'c> {
    coverage: &'c mut Coverage,
    rules: Rules<'a>,
    seen: Seen<'a>,
}

impl<'a> Watch<'a, '_> {
    fn see(&mut self, call: &'a [Entry]) {
        for rule in self.rules.written(call) {
            self.coverage.happened(Area::Rule, rules::name(rule));
        }
        for entry in call {
            if let Some(rule) = self.rules.saw(entry) {
                self.coverage.happened(Area::Rule, rules::name(rule));
            }
            self.one(entry);
        }
    }

    fn one(&mut self, entry: &'a Entry) {
        let Entry { at, actor, what } = entry;
        match what {
            What::Fault { kind, .. } => self.coverage.happened(Area::Fault, kind),
            What::Acknowledged { ask: Ask::Inform { outcome, .. }, .. } => {
                self.coverage.happened(Area::Inform, outcome);
            }
            What::Appended(event) => self.coverage.happened(Area::Event, event.kind.to_string()),
            What::Called { operation, asked, answered } => {
                if answered == NOBODY {
                    self.dropped(actor, *at, operation);
                } else if operation == Operation::Commit.as_str() || operation == Operation::Claim.as_str() {
                    self.changed(asked, answered);
                }
            }
            What::Began(attempt) => self.seen.running.entry(actor).or_default().push(attempt),
            What::Ended(attempt, answer) => {
                if let Some(running) = self.seen.running.get_mut(actor) {
                    running.retain(|one| *one != attempt);
                }
                if *answer == Answer::Dropped {
                    self.dropped(actor, *at, ATTEMPT);
                }
                self.coverage.happened(Area::Answer, word(answer));
            }
            What::Crashed => {
                self.seen.crashed.insert(actor, *at);
                let cut = self.seen.dropped.remove(&(actor, *at)).unwrap_or_default();
                let running = self.seen.running.remove(actor).unwrap_or_default();
                let all = cut.into_iter().chain(running.iter().map(|_| ATTEMPT));
                for name in all {
                    self.coverage.happened(Area::Crash, name);
                }
            }
            What::Cursor { before: Some(before), after: Some(after) } => self.taken(before, after),
            _ => {}
        }
    }

    /// Somebody waits no longer: because its process was killed, or for reasons of its own.
    fn dropped(&mut self, actor: &'a Actor, at: Timestamp, name: &'a str) {
        if self.seen.crashed.get(actor) == Some(&at) {
            self.coverage.happened(Area::Crash, name);
        } else {
            self.seen.dropped.entry((actor, at)).or_default().push(name);
        }
    }

    fn changed(&mut self, asked: &str, answered: &str) {
        if answered.starts_with(LOST_CURSOR) {
            self.coverage.happened(Area::Change, "cursor lost");
            return;
        }
        let changes = asked.split(", ").map(|change| change.split(' ').next().unwrap_or_default());
        for (change, outcome) in changes.zip(answered.split("; ").next().unwrap_or_default().split(", ")) {
            if !["applied", "stale", "lost", "busy"].contains(&outcome) {
                return;
            }
            self.coverage.happened(Area::Change, format!("{change} {outcome}"));
            let input = match change {
                "settle" => Input::Settle,
                "renew" => Input::Heartbeat,
                _ => continue,
            };
            if outcome == "lost" {
                let lost = |rule: &&delta_core::transition::Rule| {
                    rule.input == input && rule.effect == Effect::Lost && rule.from.len() > 1
                };
                if let Some(rule) = TABLE.iter().find(lost) {
                    self.coverage.happened(Area::Rule, rules::name(rule));
                }
            }
        }
    }

    fn taken(&mut self, before: &'a Cursor, after: &'a Cursor) {
        let place = if after.name == schedule::LEADER {
            LEADER
        } else if matches!(InformCursor::parse(&after.name), Some(InformCursor::Schedule(_))) {
            INFORMER
        } else {
            match ConsumerCursor::parse(&after.name) {
                Some(ConsumerCursor { slice: Some(_), .. }) => SLICE,
                Some(_) => CONSUMER,
                None => return,
            }
        };
        if let Some(holder) = before.holder {
            self.seen.holders.insert(&before.name, holder);
        }
        let Some(holder) = after.holder else { return };
        if self.seen.holders.insert(&after.name, holder).is_some_and(|last| last != holder) {
            let way = WAYS[usize::from(before.holder.is_none())];
            self.coverage.happened(Area::TakeOver, format!("{place}, {way}"));
        }
    }
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Synced => "synced",
        Answer::Snoozed => "snoozed",
        Answer::Deleted => "deleted",
        Answer::Settled => "settled",
        Answer::Error(_) => "error",
        Answer::Panicked => "panicked",
        Answer::Dropped => "dropped",
    }
}
