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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_hours(1);
    const ME: Owner = Owner::new(1);
    const YOU: Owner = Owner::new(2);
    const HOURLY: Pace = Pace { interval: Some(HOUR), jitter: SECOND };
    const NEVER: Pace = Pace { interval: None, jitter: SECOND };

    fn kind() -> Name {
        Name::new("host").unwrap()
    }

    fn due() -> Cursor {
        Cursor { next_at: Some(NOW), version: 1, ..Cursor::new(schedule_name(&kind())) }
    }

    fn begun(schedule: Cursor, now: Timestamp) -> Cursor {
        match begin_turn(schedule, ME, now + SECOND, HOURLY, now) {
            Some(Begin::Run(schedule)) => schedule,
            other => panic!("expected a run, found {other:?}"),
        }
    }

    fn asked() -> Cursor {
        let text = RawValue::from_string(r#"{"full":true}"#.to_owned()).unwrap();
        match request(&kind(), -1, text, NOW) {
            CursorChange::Put(cursor) => Cursor { version: 1, ..cursor },
            CursorChange::Remove { .. } => unreachable!("a request is put"),
        }
    }

    #[test]
    fn names_read_back_as_what_they_name() {
        let namespace = Name::new("eu-west").unwrap();
        assert_eq!(InformCursor::parse(&schedule_name(&kind())), Some(InformCursor::Schedule(kind())));
        assert_eq!(InformCursor::parse(&mark_name(&kind(), &namespace)), Some(InformCursor::Mark(kind(), namespace)));
        assert_eq!(asked().name, "inform/request/host/ffffffffffffffff");
        assert_eq!(InformCursor::parse(&asked().name), Some(InformCursor::Request(kind())));
        for foreign in [
            "leader",
            "inform/",
            "inform/schedule",
            "inform/schedule/a/b",
            "inform/mark/a",
            "inform/other/a",
            "inform/mark/a/b/c",
        ] {
            assert_eq!(InformCursor::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_cursor_is_taken_only_while_nobody_holds_it() {
        let mine = take(due(), ME, NOW + SECOND, NOW).unwrap();
        assert_eq!((mine.holder, mine.lease_until), (Some(ME), Some(NOW + SECOND)));
        assert_eq!(take(mine.clone(), YOU, NOW + HOUR, NOW), None);
        let yours = take(mine.clone(), YOU, NOW + HOUR, NOW + SECOND).unwrap();
        assert_eq!(yours.holder, Some(YOU));
        assert_eq!(renew(yours.clone(), ME, NOW + HOUR), None);
        assert_eq!(release(yours, ME), None);
        assert_eq!(renew(mine.clone(), ME, NOW + HOUR).unwrap().lease_until, Some(NOW + HOUR));
        assert_eq!(release(mine, ME), Some(due()));
    }

    #[test]
    fn the_term_counts_takings_of_office_and_no_renewals() {
        let first = lead(Cursor::new(LEADER), ME, NOW + SECOND, NOW).unwrap();
        assert_eq!(term(&first), 1);
        assert_eq!(lead(first.clone(), YOU, NOW + HOUR, NOW), None);
        let renewed = lead(first, ME, NOW + 2 * SECOND, NOW + SECOND).unwrap();
        assert_eq!(term(&renewed), 1);
        let second = lead(renewed, YOU, NOW + HOUR, NOW + 2 * SECOND).unwrap();
        assert_eq!((term(&second), second.holder), (2, Some(YOU)));
        let third = lead(release(second, YOU).unwrap(), YOU, NOW + HOUR, NOW).unwrap();
        assert_eq!(term(&third), 3);
    }

    #[test]
    fn a_schedule_is_fitted_to_the_pace_of_whoever_starts() {
        let new = Cursor::new(schedule_name(&kind()));
        let stored = |next_at| Cursor { next_at, ..new.clone() };
        assert_eq!(align(&new, HOURLY, NOW), Some(stored(Some(NOW))));
        assert_eq!(align(&new, NEVER, NOW), None);
        assert_eq!(align(&stored(Some(NOW + HOUR)), HOURLY, NOW), None);
        assert_eq!(align(&stored(Some(NOW + 2 * HOUR)), HOURLY, NOW), Some(stored(Some(NOW + HOUR + SECOND))));
        assert_eq!(align(&stored(Some(NOW)), NEVER, NOW), Some(stored(None)));
        let held = Cursor { holder: Some(YOU), lease_until: Some(NOW + HOUR), ..stored(None) };
        assert_eq!(align(&held, HOURLY, NOW).unwrap().holder, Some(YOU));
    }

    #[test]
    fn a_turn_begins_when_it_is_due_and_nobody_is_at_it() {
        let pace = HOURLY;
        assert_eq!(begin_turn(due(), ME, NOW + HOUR, pace, NOW - SECOND), None);
        assert_eq!(begin_turn(Cursor { next_at: None, ..due() }, ME, NOW + HOUR, pace, NOW), None);
        let held = begun(due(), NOW);
        assert_eq!((tries(&held), held.next_at), (1, Some(NOW)));
        assert_eq!(begin_turn(held.clone(), YOU, NOW + HOUR, pace, NOW), None);
        let taken_over = begun(held, NOW + SECOND);
        assert_eq!(tries(&taken_over), 2);
    }

    #[test]
    fn the_next_turn_is_an_interval_and_a_jitter_after_the_begin_of_the_last() {
        let done = end_turn(begun(due(), NOW), ME, RunEnd::Done, HOURLY, NOW, NOW + 2 * SECOND).unwrap();
        assert_eq!((done.holder, done.next_at, tries(&done)), (None, Some(NOW + HOUR + SECOND), 0));
        let never = end_turn(begun(due(), NOW), ME, RunEnd::Done, NEVER, NOW, NOW).unwrap();
        assert_eq!(never.next_at, None);
        assert_eq!(end_turn(begun(due(), NOW), YOU, RunEnd::Done, HOURLY, NOW, NOW), None);
    }

    #[test]
    fn a_failed_turn_is_tried_again_ten_times_and_then_waits_for_the_next() {
        let mut schedule = due();
        let mut now = NOW;
        for number in 1..=RETRIES {
            schedule = end_turn(begun(schedule, now), ME, RunEnd::Failed(SECOND), HOURLY, now, now).unwrap();
            now = now + SECOND;
            assert_eq!((schedule.next_at, tries(&schedule)), (Some(now), number));
        }
        let last = end_turn(begun(schedule, now), ME, RunEnd::Failed(SECOND), HOURLY, now, now).unwrap();
        assert_eq!((last.next_at, tries(&last)), (Some(now + HOUR + SECOND), 0));
        let disabled = end_turn(begun(due(), NOW), ME, RunEnd::Failed(SECOND), NEVER, NOW, NOW).unwrap();
        assert_eq!(disabled.next_at, None);
    }

    #[test]
    fn a_turn_that_was_given_back_does_not_count_and_stays_due() {
        let released = end_turn(begun(due(), NOW), ME, RunEnd::Released, HOURLY, NOW, NOW).unwrap();
        assert_eq!((released.holder, released.next_at, tries(&released)), (None, Some(NOW), 0));
    }

    #[test]
    fn a_turn_whose_runs_all_end_without_a_word_is_given_up() {
        let mut schedule = due();
        let mut now = NOW;
        for _ in 0..=RETRIES {
            schedule = begun(schedule, now);
            now = now + SECOND;
        }
        let Some(Begin::GiveUp(CursorChange::Put(next))) = begin_turn(schedule, YOU, now + HOUR, HOURLY, now) else {
            panic!("expected the turn to be given up");
        };
        assert_eq!((next.holder, next.next_at, tries(&next)), (None, Some(now + HOUR + SECOND), 0));
    }

    #[test]
    fn a_request_keeps_what_was_asked_for_until_it_is_done_or_failed_too_often() {
        let mut request = asked();
        assert!(is_due(&request, NOW));
        for number in 1..=RETRIES {
            let Begin::Run(begun) = begin_request(request) else { panic!("expected a run") };
            assert_eq!(requested(&begun).unwrap().get(), r#"{"full":true}"#);
            assert_eq!(end_request(begun.clone(), RunEnd::Done, NOW), begun.clone().remove());
            let CursorChange::Put(released) = end_request(begun.clone(), RunEnd::Released, NOW) else {
                panic!("expected it to stay")
            };
            assert_eq!(tries(&released), number - 1);
            let CursorChange::Put(failed) = end_request(begun, RunEnd::Failed(SECOND), NOW) else {
                panic!("expected it to stay")
            };
            assert_eq!((failed.next_at, tries(&failed)), (Some(NOW + SECOND), number));
            request = failed;
        }
        let Begin::Run(last) = begin_request(request) else { panic!("expected a run") };
        assert_eq!(end_request(last.clone(), RunEnd::Failed(SECOND), NOW), last.clone().remove());
        assert_eq!(begin_request(last.clone()), Begin::GiveUp(last.remove()));
    }

    #[test]
    fn data_of_another_version_counts_as_none() {
        let odd = Cursor { data: Some("[]".to_owned()), ..due() };
        assert_eq!((tries(&odd), requested(&odd).is_none()), (0, true));
        assert_eq!(tries(&begun(odd, NOW)), 1);
    }

    #[test]
    fn the_high_water_mark_is_the_earlier_of_begin_and_newest_object() {
        let mut seen = Seen::default();
        assert_eq!(seen.high_water(NOW), None, "saw nothing");
        seen.add(None);
        assert_eq!(seen.high_water(NOW), Some(NOW), "objects without a date");
        seen.add(Some(NOW - HOUR));
        seen.add(Some(NOW - 2 * HOUR));
        seen.add(None);
        assert_eq!(seen.high_water(NOW), Some(NOW - HOUR), "the newest of those with one");
        seen.add(Some(NOW + HOUR));
        assert_eq!(seen.high_water(NOW), Some(NOW), "a date in the future");
        assert_eq!(seen.objects, 5);
    }

    #[test]
    fn the_high_water_mark_never_moves_backwards() {
        let mark = Cursor::new("inform/mark/host/default");
        assert_eq!(high_water(&mark), None);
        let mark = advance(&mark, NOW).unwrap();
        assert_eq!(high_water(&mark), Some(NOW));
        assert_eq!(advance(&mark, NOW), None);
        assert_eq!(advance(&mark, NOW - SECOND), None);
        assert_eq!(high_water(&advance(&mark, NOW + SECOND).unwrap()), Some(NOW + SECOND));
    }
}
