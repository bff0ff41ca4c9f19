//! Decisions on the cursors of informers and of the leader: leases, turns, tries and high-water marks.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::cursor::{Cursor, CursorChange};
use crate::lease::Owner;
use crate::name::Name;
use crate::timestamp::Timestamp;

/// The cursor of the leader: its holder leads, its position is the term.
pub const LEADER: &str = "leader";
/// What the names of all cursors of informers begin with.
pub const INFORMS: &str = "inform/";
/// How often a run of an informer that failed is tried again before it waits for its next turn.
pub const RETRIES: u32 = 10;

/// What the name of an informer's cursor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InformCursor {
    /// The kind's schedule: `next_at` is its next turn, and whoever holds it may run the informer.
    Schedule(Name),
    /// A run that was asked for.
    Request(Name),
    /// How far the runs for one namespace have come.
    Mark(Name, Name),
}

impl InformCursor {
    /// Reads a name; `None` if it is not of this version.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(INFORMS)?.split('/');
        let family = parts.next()?;
        let kind = Name::new(parts.next()?).ok()?;
        let cursor = match (family, parts.next()) {
            ("schedule", None) => Self::Schedule(kind),
            ("request", Some(_)) => Self::Request(kind),
            ("mark", Some(namespace)) => Self::Mark(kind, Name::new(namespace).ok()?),
            _ => return None,
        };
        parts.next().is_none().then_some(cursor)
    }
}

/// The name of a kind's schedule.
#[must_use]
pub fn schedule_name(kind: &Name) -> String {
    format!("{INFORMS}schedule/{kind}")
}

/// The name of the high-water mark of a kind's runs for a namespace.
#[must_use]
pub fn mark_name(kind: &Name, namespace: &Name) -> String {
    format!("{INFORMS}mark/{kind}/{namespace}")
}

/// What the names of all runs that were asked for of a kind begin with.
#[must_use]
pub fn request_prefix(kind: &Name) -> String {
    format!("{INFORMS}request/{kind}/")
}

/// The request for a run of a kind's informer, due at once; `number` is random.
#[must_use]
pub fn request(kind: &Name, number: i64, request: Box<RawValue>, now: Timestamp) -> CursorChange {
    let name = format!("{}{number:016x}", request_prefix(kind));
    let data = Data { tries: 0, request: Some(request) };
    Cursor { next_at: Some(now), ..data.into(Cursor::new(name)) }.put()
}

/// What was asked for, as it was given to [`request`]; `None` if it is of another version.
#[must_use]
pub fn requested(cursor: &Cursor) -> Option<Box<RawValue>> {
    Data::of(cursor).request
}

/// What a schedule or a request keeps in its `data`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Data {
    /// How many runs were begun for this turn and have not ended well.
    tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Box<RawValue>>,
}

impl Data {
    /// What does not decode is of another version, and counts as not there.
    fn of(cursor: &Cursor) -> Self {
        cursor.data.as_deref().and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default()
    }

    fn into(self, cursor: Cursor) -> Cursor {
        Cursor { data: serde_json::to_string(&self).ok(), ..cursor }
    }
}

/// Takes a cursor until a moment, if it is free, the taker's own, or its lease is over.
#[must_use]
pub fn take(cursor: Cursor, owner: Owner, until: Timestamp, now: Timestamp) -> Option<Cursor> {
    cursor.is_open_to(owner, now).then_some(Cursor { holder: Some(owner), lease_until: Some(until), ..cursor })
}

/// Holds on to a cursor; `None` if somebody else has it.
#[must_use]
pub fn renew(cursor: Cursor, owner: Owner, until: Timestamp) -> Option<Cursor> {
    (cursor.holder == Some(owner)).then_some(Cursor { lease_until: Some(until), ..cursor })
}

/// Gives a cursor back; `None` if somebody else has it.
#[must_use]
pub fn release(cursor: Cursor, owner: Owner) -> Option<Cursor> {
    (cursor.holder == Some(owner)).then_some(Cursor { holder: None, lease_until: None, ..cursor })
}

/// Leads until a moment: renews, or takes office in a new term. `None` while somebody else leads.
#[must_use]
pub fn lead(cursor: Cursor, owner: Owner, until: Timestamp, now: Timestamp) -> Option<Cursor> {
    if cursor.holder == Some(owner) {
        return renew(cursor, owner, until);
    }
    let next = term(&cursor) + 1;
    take(cursor, owner, until, now).map(|cursor| Cursor { position: Some(next.to_string()), ..cursor })
}

/// The leader's term, from 1; 0 if nobody has led yet.
#[must_use]
pub fn term(leader: &Cursor) -> u64 {
    leader.position.as_deref().and_then(|position| position.parse().ok()).unwrap_or(0)
}

/// When an informer is to run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two turns; `None`: it runs only by request.
    pub interval: Option<Duration>,
    /// By how much the next turn is put off; drawn at random.
    pub jitter: Duration,
}

impl Pace {
    fn after(self, began: Timestamp) -> Option<Timestamp> {
        self.interval.map(|interval| began + interval + self.jitter)
    }
}

/// Fits a schedule to a pace, when a client starts: the first turn is now, and none is further off than one interval.
/// `None` if nothing is to be written.
#[must_use]
pub fn align(schedule: &Cursor, pace: Pace, now: Timestamp) -> Option<Cursor> {
    let next_at = match (schedule.next_at, pace.after(now)) {
        (None, Some(_)) => Some(now),
        (Some(next_at), Some(latest)) => Some(next_at.min(latest)),
        (_, None) => None,
    };
    (next_at != schedule.next_at).then(|| Cursor { next_at, ..schedule.clone() })
}

/// Whether a schedule or a request is due.
#[must_use]
pub fn is_due(cursor: &Cursor, now: Timestamp) -> bool {
    cursor.next_at.is_some_and(|next_at| next_at <= now)
}

/// How a run of an informer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Well.
    Done,
    /// In an error; to be tried again after the delay, if it may be.
    Failed(Duration),
    /// It was given back: somebody else may run it at once, and nothing counts.
    Released,
}

/// What may be done about a due schedule or request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Run, with this written.
    Run(Cursor),
    /// Do not run, but write this: all its tries ended without a word, as when a run ends its process.
    GiveUp(CursorChange),
}

/// Begins the turn of a schedule that is due, and counts the try: a crash counts as well. `None` if it is not due or
/// somebody is at it.
#[must_use]
pub fn begin_turn(schedule: Cursor, owner: Owner, until: Timestamp, pace: Pace, now: Timestamp) -> Option<Begin> {
    if !is_due(&schedule, now) {
        return None;
    }
    let schedule = take(schedule, owner, until, now)?;
    let tries = Data::of(&schedule).tries;
    Some(if tries > RETRIES {
        let free = Cursor { holder: None, lease_until: None, next_at: pace.after(now), ..schedule };
        Begin::GiveUp(Data::default().into(free).put())
    } else {
        Begin::Run(Data { tries: tries + 1, request: None }.into(schedule))
    })
}

/// Ends the turn of a schedule that was begun at `began`. `None` if somebody else has it.
#[must_use]
pub fn end_turn(
    schedule: Cursor,
    owner: Owner,
    end: RunEnd,
    pace: Pace,
    began: Timestamp,
    now: Timestamp,
) -> Option<Cursor> {
    let schedule = release(schedule, owner)?;
    let tries = Data::of(&schedule).tries;
    let (tries, next_at) = match end {
        RunEnd::Released => (tries.saturating_sub(1), schedule.next_at),
        RunEnd::Failed(delay) if tries <= RETRIES && pace.interval.is_some() => (tries, Some(now + delay)),
        RunEnd::Done | RunEnd::Failed(_) => (0, pace.after(began)),
    };
    Some(Data { tries, request: None }.into(Cursor { next_at, ..schedule }))
}

/// Begins what was asked for, and counts the try.
#[must_use]
pub fn begin_request(request: Cursor) -> Begin {
    let data = Data::of(&request);
    if data.tries > RETRIES {
        return Begin::GiveUp(request.remove());
    }
    Begin::Run(Data { tries: data.tries + 1, ..data }.into(request))
}

/// Ends what was asked for: it is removed when it is done, or was tried often enough.
#[must_use]
pub fn end_request(request: Cursor, end: RunEnd, now: Timestamp) -> CursorChange {
    let data = Data::of(&request);
    let (tries, next_at) = match end {
        RunEnd::Released => (data.tries.saturating_sub(1), request.next_at),
        RunEnd::Failed(delay) if data.tries <= RETRIES => (data.tries, Some(now + delay)),
        RunEnd::Done | RunEnd::Failed(_) => return request.remove(),
    };
    Data { tries, ..data }.into(Cursor { next_at, ..request }).put()
}

/// How many runs were begun for this turn or request, this one included.
#[must_use]
pub fn tries(cursor: &Cursor) -> u32 {
    Data::of(cursor).tries
}

/// What a run has seen of its objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many there were.
    pub objects: u64,
    /// The newest `created_at` among them, if any has one.
    pub newest: Option<Timestamp>,
}

impl Seen {
    /// Adds one.
    pub fn add(&mut self, created_at: Option<Timestamp>) {
        self.objects += 1;
        self.newest = self.newest.max(created_at);
    }

    /// How far a run that began at `began` has come: to the earlier of its begin and the newest object. What is dated
    /// after the begin may have older ones behind it that the run did not see. A run that saw nothing knows nothing.
    #[must_use]
    pub fn high_water(&self, began: Timestamp) -> Option<Timestamp> {
        (self.objects > 0).then(|| self.newest.map_or(began, |newest| newest.min(began)))
    }
}

/// Where a high-water mark stands.
#[must_use]
pub fn high_water(mark: &Cursor) -> Option<Timestamp> {
    mark.position.as_deref().and_then(|position| position.parse().ok()).map(Timestamp::from_micros)
}

/// Moves a high-water mark forwards; `None` if it stands there or beyond.
#[must_use]
pub fn advance(mark: &Cursor, to: Timestamp) -> Option<Cursor> {
    let moves = high_water(mark).is_none_or(|at| at < to);
    moves.then(|| Cursor { position: Some(to.as_micros().to_string()), ..mark.clone() })
}
