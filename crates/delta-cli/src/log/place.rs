use std::time::Duration;

use delta::{Position, Timestamp};

use crate::log::age::age;

/// A place in a log, as an argument names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before its first event.
    Start,
    /// Behind its last one that can be read now.
    Head,
    /// Behind a position.
    After(Position),
    /// Before the first event of a time or later.
    Since(Timestamp),
    /// Before the first event that is no older.
    Ago(Duration),
}

impl Place {
    /// Reads `start`, `head`, a position, a time or an age.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "start" => return Ok(Self::Start),
            "head" => return Ok(Self::Head),
            _ => {}
        }
        if let Ok(position) = text.parse() {
            return Ok(Self::After(position));
        }
        if let Ok(age) = age(text) {
            return Ok(Self::Ago(age));
        }
        let time = text.parse::<chrono::DateTime<chrono::Utc>>();
        time.map(|time| Self::Since(time.into())).map_err(|_| {
            "expected start, head, a position, a time such as 2026-01-31T12:00:00Z, or an age such as 2h".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_a_position_a_time_or_an_age() {
        assert_eq!(Place::parse("start"), Ok(Place::Start));
        assert_eq!(Place::parse("head"), Ok(Place::Head));
        assert_eq!(Place::parse("0"), Ok(Place::After(Position::START)));
        assert_eq!(Place::parse("17"), Ok(Place::After(Position::new(17))));
        assert_eq!(Place::parse("2h"), Ok(Place::Ago(Duration::from_hours(2))));
        let noon = Timestamp::from_micros(1_769_860_800_000_000);
        assert_eq!(Place::parse("2026-01-31T12:00:00Z"), Ok(Place::Since(noon)));
        assert_eq!(Place::parse("2026-01-31T13:00:00+01:00"), Ok(Place::Since(noon)));
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_was_expected() {
        for text in ["", "-1", "yesterday", "2026-01-31", "99999999999999999999"] {
            assert!(Place::parse(text).unwrap_err().contains("expected start, head, a position"), "{text}");
        }
    }
}
