use std::ops::Range;

/// Which one seed to run.
const ONE: &str = "DELTA_SEED";
/// Which seeds to run, as `first..end`.
const RANGE: &str = "DELTA_SEEDS";

/// The seeds to run: those that the environment names, else those that were given.
pub(super) fn chosen(given: Range<u64>, of: impl Fn(&str) -> Option<String>) -> Range<u64> {
    if let Some(one) = of(ONE) {
        return match one.parse() {
            Ok(seed) if seed < u64::MAX => seed..seed + 1,
            _ => panic!("expected a seed as {ONE}, found \"{one}\""),
        };
    }
    let Some(range) = of(RANGE) else { return given };
    let ends = range.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    match ends {
        Some(seeds) if !seeds.is_empty() => seeds,
        _ => panic!("expected seeds as {RANGE}, such as 0..10000, found \"{range}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<String> {
        move |asked| (asked == name).then(|| value.to_owned())
    }

    #[test]
    fn the_environment_chooses_the_seeds() {
        assert_eq!(chosen(0..9, |_| None), 0..9);
        assert_eq!(chosen(0..9, with(ONE, "17")), 17..18);
        assert_eq!(chosen(0..9, with(RANGE, "100..20000")), 100..20_000);
    }

    #[test]
    #[should_panic(expected = "expected a seed as DELTA_SEED, found \"x\"")]
    fn a_seed_that_is_no_number_is_refused() {
        let _ = chosen(0..9, with(ONE, "x"));
    }

    #[test]
    #[should_panic(expected = "expected seeds as DELTA_SEEDS, such as 0..10000, found \"9..3\"")]
    fn seeds_that_are_none_are_refused() {
        let _ = chosen(0..9, with(RANGE, "9..3"));
    }
}
