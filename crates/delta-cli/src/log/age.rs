use std::time::Duration;

/// The units of an age, in seconds.
const UNITS: [(&str, u64); 6] = [("s", 1), ("m", 60), ("min", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// Reads an age, such as `90s`, `30min`, `2h`, `7d` or `1w`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    parse(text).ok_or_else(|| format!("expected an age such as 90s, 30min, 2h, 7d or 1w, found {text:?}"))
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        let seconds = |text| age(text).map(|age| age.as_secs());
        for (text, expected) in
            [("90s", 90), ("0s", 0), ("30m", 1_800), ("30min", 1_800), ("2h", 7_200), ("7d", 604_800)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert_eq!(seconds("1w"), seconds("7d"));
    }

    #[test]
    fn what_is_no_age_is_refused_with_what_was_expected() {
        for text in ["", "5", "h", "-1h", "1.5h", "2 h", "2y", "99999999999999999999s", "99999999999999999w"] {
            assert!(age(text).unwrap_err().contains("expected an age such as"), "{text}");
        }
    }
}
