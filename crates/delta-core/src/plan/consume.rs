//! Decisions on the cursors of consumers: names, leases, places, counted attempts, and who works which slice.
//!
//! A consumer has one cursor, or, if it is sharded, one for each slice below a parent that says so. The position of a cursor
//! is the last one that is handled with everything before it; holder and lease say who may move it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cursor::{CONSUMER_PREFIX, Cursor};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Position;
use crate::invalid::{Invalid, quoted};
use crate::lease::Owner;
use crate::log::LogName;
use crate::timestamp::Timestamp;

/// How the names begin of the cursors that say which processes share the slices of a consumer; the log's name, the
/// consumer's and the process's owner follow.
pub const MEMBER_PREFIX: &str = "consumer-member/";
/// How many slices a sharded consumer has, for ever: whoever works, an event's slice stays the same.
pub const SLICES: u16 = 1_024;
/// The longest name of a consumer, in bytes.
pub const MAX_NAME: usize = 80;

/// Checks the name of a consumer.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let fits = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if fits {
        return Ok(());
    }
    Err(Invalid::new("consumer", "1 to 80 visible ASCII characters without '/'", quoted(name)))
}

/// What the name of a consumer's cursor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerCursor {
    /// The log's name.
    pub log: String,
    /// The consumer's.
    pub consumer: String,
    /// The slice; none of a consumer that has none, and of the parent of slices.
    pub slice: Option<u16>,
}

impl ConsumerCursor {
    /// Reads a name; `None` if it is not one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(CONSUMER_PREFIX)?.split('/');
        let (log, consumer) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let slice = match parts.next() {
            None => None,
            Some(text) => Some(text.parse().ok().filter(|slice| *slice < SLICES && text.len() == 4)?),
        };
        (parts.next().is_none() && check_name(&consumer).is_ok()).then_some(Self { log, consumer, slice })
    }
}

/// The name of a consumer's cursor; of a sharded one, of the parent of its slices.
#[must_use]
pub fn cursor_name(log: &LogName, consumer: &str) -> String {
    format!("{CONSUMER_PREFIX}{log}/{consumer}")
}

/// What the names of the cursors of a sharded consumer's slices begin with.
#[must_use]
pub fn slice_prefix(log: &LogName, consumer: &str) -> String {
    format!("{CONSUMER_PREFIX}{log}/{consumer}/")
}

/// The name of the cursor of one slice.
#[must_use]
pub fn slice_name(log: &LogName, consumer: &str, slice: u16) -> String {
    format!("{CONSUMER_PREFIX}{log}/{consumer}/{slice:04}")
}

/// What the names of the cursors of a sharded consumer's members begin with.
#[must_use]
pub fn member_prefix(log: &LogName, consumer: &str) -> String {
    format!("{MEMBER_PREFIX}{log}/{consumer}/")
}

/// The name of the cursor of one member.
#[must_use]
pub fn member_name(log: &LogName, consumer: &str, owner: Owner) -> String {
    format!("{MEMBER_PREFIX}{log}/{consumer}/{owner}")
}

/// The slice of a key: FNV-1a of 64 bits over its bytes, modulo [`SLICES`]. It never changes, or events would pass from one
/// cursor to another.
///
/// # Examples
///
/// ```
/// assert_eq!(delta_core::plan::consume::slice_of("eu/customer/c1"), 681);
/// ```
#[must_use]
pub fn slice_of(key: &str) -> u16 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    u16::try_from(hash % u64::from(SLICES)).unwrap_or(0)
}

/// Whether a consumer has slices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It has one cursor.
    #[default]
    One,
    /// It has one cursor for each of [`SLICES`] slices, and a parent without a position.
    Sharded,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "one",
            Self::Sharded => "sharded",
        })
    }
}

/// What a consumer's cursor keeps in its `data`. It is read again by every later version: fields are added, with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorData {
    /// The log that it is a place in.
    pub log: LogName,
    /// The program that the consumer belongs to, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Whether the consumer has slices.
    #[serde(default)]
    pub shape: Shape,
    /// How often what is yet to be handled has failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attempts: BTreeMap<Position, u32>,
    /// What is not to be handled, although the cursor has yet to pass it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skip: BTreeSet<Position>,
}

impl CursorData {
    /// That of a consumer that has yet to handle anything.
    #[must_use]
    pub fn new(log: LogName, program: Option<String>, shape: Shape) -> Self {
        Self { log, program, shape, attempts: BTreeMap::new(), skip: BTreeSet::new() }
    }
}

/// Where a consumer, or a slice of one, stands: its cursor, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The last position that is handled with everything before it; none before it was first run.
    pub position: Option<Position>,
    /// What else its cursor keeps.
    pub data: CursorData,
}

impl Standing {
    /// Reads a cursor; `None` if nothing is stored in it yet.
    ///
    /// # Errors
    ///
    /// `Invalid` for a position that no log gives out; `Corrupt` for data that is not a consumer's.
    pub fn of(cursor: &Cursor) -> Result<Option<Self>> {
        let Some(data) = &cursor.data else {
            return match &cursor.position {
                None => Ok(None),
                Some(_) => Err(corrupt(cursor, "none")),
            };
        };
        let data =
            serde_json::from_str(data).map_err(|error| corrupt(cursor, &format!("{} ({error})", quoted(data))))?;
        let position = cursor.position.as_deref().map(str::parse).transpose();
        let position = position.map_err(|error: Invalid| Error::new(ErrorKind::Invalid, reading(cursor), error))?;
        Ok(Some(Self { position, data }))
    }

    /// Writes it into a cursor.
    #[must_use]
    pub fn into_cursor(self, cursor: Cursor) -> Cursor {
        Cursor {
            position: self.position.map(|position| position.to_string()),
            data: serde_json::to_string(&self.data).ok(),
            ..cursor
        }
    }

    /// Checks that it belongs to this consumer: of that log, that program and that shape. What was stored without a program
    /// belongs to any.
    ///
    /// # Errors
    ///
    /// `Invalid`, with what was expected and what was found.
    pub fn check(&self, consumer: &str, expected: &CursorData) -> Result<()> {
        let refuse = |field, expected: String, found: String| {
            let error = Invalid::new(field, expected, found);
            Err(Error::new(ErrorKind::Invalid, format!("consumer \"{consumer}\""), error))
        };
        if self.data.log != expected.log {
            return refuse("log", expected.log.to_string(), self.data.log.to_string());
        }
        if self.data.program.is_some() && self.data.program != expected.program {
            let name = |program: &Option<String>| program.as_deref().map_or("none".to_owned(), quoted);
            return refuse("program", name(&expected.program), name(&self.data.program));
        }
        if self.data.shape != expected.shape {
            return refuse("shape", expected.shape.to_string(), self.data.shape.to_string());
        }
        Ok(())
    }

    /// Checks that it is not beyond the last position that its log has given out.
    ///
    /// # Errors
    ///
    /// `Invalid`, with both.
    pub fn check_end(&self, consumer: &str, end: Position) -> Result<()> {
        match self.position {
            Some(position) if position > end => {
                let error =
                    Invalid::new("position", format!("at most {end}, the end of the log"), position.to_string());
                Err(Error::new(ErrorKind::Invalid, format!("consumer \"{consumer}\""), error))
            }
            _ => Ok(()),
        }
    }

    /// Moves it forwards. Returns whether it moved: it stays if it is there or beyond.
    pub fn advance(&mut self, to: Position) -> bool {
        if self.position.is_some_and(|position| position >= to) {
            return false;
        }
        self.position = Some(to);
        self.data.attempts.retain(|position, _| *position > to);
        self.data.skip.retain(|position| *position > to);
        true
    }

    /// Counts an attempt at what begins at `position` that has failed. Returns how many have.
    pub fn fail(&mut self, position: Position) -> u32 {
        let attempts = self.data.attempts.entry(position).or_default();
        *attempts = attempts.saturating_add(1);
        *attempts
    }

    /// How many attempts at what begins at `position` have failed.
    #[must_use]
    pub fn attempts(&self, position: Position) -> u32 {
        self.data.attempts.get(&position).copied().unwrap_or(0)
    }

    /// Has one event passed over, wherever the cursor stands before it.
    pub fn skip(&mut self, position: Position) {
        if self.position.is_none_or(|at| at < position) {
            self.data.skip.insert(position);
            self.data.attempts.remove(&position);
        }
    }

    /// Moves it anywhere, also backwards, by somebody's hand: counted attempts are forgotten.
    pub fn reset(&mut self, to: Position) {
        self.position = Some(to);
        self.data.attempts.clear();
        self.data.skip.clear();
    }
}

fn reading(cursor: &Cursor) -> String {
    format!("read cursor {}", cursor.name)
}

fn corrupt(cursor: &Cursor, found: &str) -> Error {
    Error::new(ErrorKind::Corrupt, reading(cursor), format!("expected the data of a consumer, found {found}"))
}

/// Takes a cursor until a moment, if it is free, the taker's own, or its lease is over.
#[must_use]
pub fn take(cursor: Cursor, owner: Owner, until: Timestamp, now: Timestamp) -> Option<Cursor> {
    super::schedule::take(cursor, owner, until, now)
}

/// Takes the cursor of a slice, which is held for as long as its holder is a member, whatever the slice's own lease says:
/// members renew their own cursor, and not a thousand.
#[must_use]
pub fn take_slice(cursor: Cursor, owner: Owner, members: &BTreeSet<Owner>, until: Timestamp) -> Option<Cursor> {
    let open = cursor.holder.is_none_or(|holder| holder == owner || !members.contains(&holder));
    open.then_some(Cursor { holder: Some(owner), lease_until: Some(until), ..cursor })
}

/// Holds on to a cursor; `None` if somebody else has it.
#[must_use]
pub fn renew(cursor: Cursor, owner: Owner, until: Timestamp) -> Option<Cursor> {
    super::schedule::renew(cursor, owner, until)
}

/// Gives a cursor back; `None` if somebody else has it.
#[must_use]
pub fn release(cursor: Cursor, owner: Owner) -> Option<Cursor> {
    super::schedule::release(cursor, owner)
}

/// The owners among the cursors of members whose lease is not over.
#[must_use]
pub fn live_members(members: &[Cursor], now: Timestamp) -> BTreeSet<Owner> {
    let lives = |member: &&Cursor| member.lease_until.is_some_and(|until| until > now);
    members.iter().filter(lives).filter_map(|member| member.holder).collect()
}

/// What a member does about the slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// It has its share, or there is nothing free.
    Keep,
    /// It takes so many of those that are free.
    Take(usize),
    /// It gives so many back, once what it has begun of them is handled.
    Release(usize),
}

/// Compares what a member has with its fair share, one of `members` that live.
#[must_use]
pub fn balance(mine: usize, free: usize, members: usize) -> Balance {
    let share = usize::from(SLICES).div_ceil(members.max(1));
    match mine.checked_sub(share) {
        Some(0) => Balance::Keep,
        Some(excess) => Balance::Release(excess),
        None => match free.min(share - mine) {
            0 => Balance::Keep,
            slices => Balance::Take(slices),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
    const SECOND: Duration = Duration::from_secs(1);
    const ME: Owner = Owner::new(1);
    const YOU: Owner = Owner::new(2);

    fn at(position: i64) -> Position {
        Position::new(position)
    }

    fn data() -> CursorData {
        CursorData::new(LogName::own(), None, Shape::One)
    }

    fn standing(position: i64) -> Standing {
        Standing { position: Some(at(position)), data: data() }
    }

    fn stored(position: Option<&str>, data: Option<&str>) -> Cursor {
        Cursor {
            position: position.map(str::to_owned),
            data: data.map(str::to_owned),
            ..Cursor::new("consumer/delta/mailer")
        }
    }

    #[test]
    fn names_read_back_as_what_they_name() {
        let parsed = |name: &str| ConsumerCursor::parse(name).map(|it| (it.log, it.consumer, it.slice));
        let of = |slice| Some(("user_events".to_owned(), "mailer".to_owned(), slice));
        let log = LogName::of_table("user_events");
        assert_eq!(parsed(&cursor_name(&log, "mailer")), of(None));
        assert_eq!(parsed(&slice_name(&log, "mailer", 7)), of(Some(7)));
        assert_eq!(slice_name(&log, "mailer", 7), "consumer/user_events/mailer/0007");
        assert!(slice_name(&log, "mailer", 7).starts_with(&slice_prefix(&log, "mailer")));
        assert_eq!(member_name(&log, "mailer", ME), "consumer-member/user_events/mailer/0000000000000001");
        assert!(member_name(&log, "mailer", ME).starts_with(&member_prefix(&log, "mailer")));
        for foreign in [
            "leader",
            "consumer/",
            "consumer/delta",
            "consumer/delta/",
            "consumer/delta/a/b",
            "consumer/delta/a/7",
            "consumer/delta/a/1024",
            "consumer/delta/a/0007/8",
            "consumer-member/delta/a/0000000000000001",
        ] {
            assert_eq!(parsed(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_consumers_name_fits_into_a_cursors_name_and_has_no_slash() {
        for good in ["a", "mailer", "Mailer.v2:eu", &"x".repeat(80)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a b", "\n", "ä", &"x".repeat(81)] {
            assert_eq!(check_name(bad).unwrap_err().field(), "consumer", "{bad}");
        }
        let longest_table = format!("{}.{}", "s".repeat(63), "t".repeat(63));
        let longest = member_name(&LogName::of_table(&longest_table), &"x".repeat(80), ME);
        assert!(longest.len() <= 255, "{}", longest.len());
    }

    #[test]
    fn a_standing_is_kept_exactly() {
        let mut standing = standing(7);
        standing.data.program = Some("billing".to_owned());
        standing.fail(at(9));
        standing.skip(at(12));
        let cursor = standing.clone().into_cursor(Cursor::new("consumer/delta/mailer"));
        assert_eq!(cursor.position.as_deref(), Some("7"));
        let text = r#"{"log":"delta","program":"billing","shape":"one","attempts":{"9":1},"skip":[12]}"#;
        assert_eq!(cursor.data.as_deref(), Some(text));
        assert_eq!(Standing::of(&cursor).unwrap(), Some(standing));
    }

    #[test]
    fn a_later_versions_fields_are_passed_over() {
        let cursor = stored(Some("3"), Some(r#"{"log":"delta","mood":"good"}"#));
        assert_eq!(Standing::of(&cursor).unwrap(), Some(standing(3)));
    }

    #[test]
    fn what_is_stored_and_cannot_be_is_refused() {
        let found = |position, data| Standing::of(&stored(position, data)).map_err(|error| error.kind());
        assert_eq!(found(None, None), Ok(None));
        let own = Some(r#"{"log":"delta"}"#);
        for bad in ["", "-1", "x", "1.5", "9223372036854775808"] {
            assert_eq!(found(Some(bad), own), Err(ErrorKind::Invalid), "{bad}");
        }
        assert_eq!(found(Some("1"), None), Err(ErrorKind::Corrupt));
        assert_eq!(found(Some("1"), Some("{}")), Err(ErrorKind::Corrupt));
        assert_eq!(found(None, Some("no")), Err(ErrorKind::Corrupt));
    }

    #[test]
    fn a_cursor_of_another_log_program_or_shape_is_refused() {
        let check = |found: CursorData, expected: CursorData| {
            let checked = Standing { position: None, data: found }.check("mailer", &expected);
            checked.map_err(|error| (error.kind(), error.to_string()))
        };
        let refused = |text: &str| Err((ErrorKind::Invalid, format!("consumer \"mailer\": invalid: {text}")));
        let of = |program: &str| CursorData { program: Some(program.to_owned()), ..data() };
        assert_eq!(check(data(), data()), Ok(()));
        assert_eq!(check(data(), of("a")), Ok(()), "it becomes that program's");
        assert_eq!(check(of("a"), of("a")), Ok(()));
        assert_eq!(check(of("b"), of("a")), refused("program: expected \"a\", found \"b\""));
        assert_eq!(check(of("b"), data()), refused("program: expected none, found \"b\""));
        let other = CursorData { log: LogName::of_table("orders"), ..data() };
        assert_eq!(check(other, data()), refused("log: expected delta, found orders"));
        let sharded = CursorData { shape: Shape::Sharded, ..data() };
        assert_eq!(check(sharded, data()), refused("shape: expected one, found sharded"));
    }

    #[test]
    fn a_cursor_beyond_the_end_of_its_log_is_refused() {
        assert!(standing(7).check_end("mailer", at(7)).is_ok());
        let error = standing(8).check_end("mailer", at(7)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "consumer \"mailer\": invalid: position: expected at most 7, the end of the log, found 8"
        );
    }

    #[test]
    fn a_standing_moves_forwards_only_and_forgets_what_it_passes() {
        let mut standing = standing(7);
        assert_eq!((standing.fail(at(9)), standing.fail(at(9)), standing.fail(at(11))), (1, 2, 1));
        standing.skip(at(10));
        assert!(!standing.advance(at(7)) && !standing.advance(at(6)), "an equal position is no move");
        assert_eq!((standing.position, standing.attempts(at(9))), (Some(at(7)), 2));
        assert!(standing.advance(at(10)));
        assert_eq!((standing.attempts(at(9)), standing.attempts(at(11))), (0, 1));
        assert!(standing.data.skip.is_empty());
    }

    #[test]
    fn only_what_is_yet_to_come_can_be_skipped() {
        let mut standing = standing(7);
        standing.fail(at(8));
        standing.skip(at(8));
        standing.skip(at(7));
        assert_eq!((standing.data.skip.clone(), standing.attempts(at(8))), (BTreeSet::from([at(8)]), 0));
    }

    #[test]
    fn a_reset_goes_anywhere_and_counts_anew() {
        let mut standing = standing(7);
        standing.fail(at(8));
        standing.skip(at(9));
        standing.reset(at(2));
        assert_eq!(standing, self::standing(2));
    }

    #[test]
    fn a_slice_is_held_while_its_holder_is_a_member() {
        let (me, both) = (BTreeSet::from([ME]), BTreeSet::from([ME, YOU]));
        let until = NOW + SECOND;
        let yours = Cursor { holder: Some(YOU), lease_until: Some(NOW), ..Cursor::new("slice") };
        assert_eq!(take_slice(yours.clone(), ME, &both, until), None, "whatever its own lease says");
        let mine = take_slice(yours, ME, &me, until).unwrap();
        assert_eq!((mine.holder, mine.lease_until), (Some(ME), Some(until)));
        assert!(take_slice(mine.clone(), ME, &both, until).is_some(), "its own");
        assert!(take_slice(release(mine, ME).unwrap(), YOU, &both, until).is_some(), "given back");
    }

    #[test]
    fn members_live_until_their_lease_is_over() {
        let member = |owner, until| Cursor { holder: Some(owner), lease_until: Some(until), ..Cursor::new("member") };
        let members = [member(ME, NOW + SECOND), member(YOU, NOW)];
        assert_eq!(live_members(&members, NOW), BTreeSet::from([ME]));
    }

    #[test]
    fn a_member_takes_up_to_its_share_and_gives_back_what_is_more() {
        assert_eq!(balance(0, 1_024, 1), Balance::Take(1_024));
        assert_eq!(balance(1_024, 0, 1), Balance::Keep);
        assert_eq!(balance(1_024, 0, 3), Balance::Release(682));
        assert_eq!(balance(0, 0, 3), Balance::Keep, "nothing is free yet");
        assert_eq!(balance(0, 400, 3), Balance::Take(342));
        assert_eq!(balance(300, 400, 3), Balance::Take(42));
        assert_eq!(balance(300, 10, 3), Balance::Take(10));
        assert_eq!(balance(342, 10, 3), Balance::Keep);
        assert_eq!(balance(1, 5, 0), Balance::Take(5), "whoever asks is there");
    }

    #[test]
    fn all_slices_find_a_member_whatever_their_number() {
        for members in 1..=40 {
            let share = usize::from(SLICES).div_ceil(members);
            assert!(share * members >= usize::from(SLICES), "{members}");
        }
    }

    #[test]
    fn a_key_has_the_slice_that_it_always_had() {
        // FNV-1a of "" is its offset basis, of "a" 0xaf63dc4c8601ec8c, of "foobar" 0x85944171f73967e8.
        for (key, slice) in [("", 0x2325 % 1_024), ("a", 0xec8c % 1_024), ("foobar", 0x67e8 % 1_024)] {
            assert_eq!(slice_of(key), slice, "{key}");
        }
        let mut hit = BTreeSet::new();
        hit.extend((0..20_000).map(|number| slice_of(&number.to_string())));
        assert_eq!(hit.len(), usize::from(SLICES), "every slice has keys");
    }
}
