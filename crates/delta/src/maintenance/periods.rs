use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delta_core::{Name, Names, Override};

/// The lanes that one query asks for; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lanes {
    pub(super) namespaces: Names,
    pub(super) kinds: Names,
}

/// Divides all lanes by the period that holds for them: a kind's setting beats its namespace's, which beats the default.
/// No lane is in two, and there are as many as there are different periods, however many kinds and namespaces there are.
pub(super) fn periods<'a>(
    kinds: impl IntoIterator<Item = (&'a Name, Override<Duration>)>,
    namespaces: impl IntoIterator<Item = (&'a Name, Override<Duration>)>,
    default: Option<Duration>,
) -> Vec<(Lanes, Duration)> {
    let (by_kind, other_kinds) = group(kinds);
    let (by_namespace, other_namespaces) = group(namespaces);
    let mut periods = Vec::new();
    for (period, names) in by_kind {
        periods.push((Lanes { namespaces: Names::All, kinds: Names::Only(names) }, period));
    }
    for (period, names) in by_namespace {
        periods.push((Lanes { namespaces: Names::Only(names), kinds: other_kinds.clone() }, period));
    }
    periods.extend(default.map(|period| (Lanes { namespaces: other_namespaces, kinds: other_kinds }, period)));
    periods
}

/// The names by the period that each sets, and all that set nothing.
fn group<'a>(
    settings: impl IntoIterator<Item = (&'a Name, Override<Duration>)>,
) -> (BTreeMap<Duration, BTreeSet<Name>>, Names) {
    let mut groups: BTreeMap<Duration, BTreeSet<Name>> = BTreeMap::new();
    let mut set = BTreeSet::new();
    for (name, setting) in settings {
        match setting {
            Override::Inherit => continue,
            Override::Off => {}
            Override::Set(period) => {
                groups.entry(period).or_default().insert(name.clone());
            }
        }
        set.insert(name.clone());
    }
    (groups, if set.is_empty() { Names::All } else { Names::Except(set) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const DAY: Duration = Duration::from_hours(24);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn names(texts: &[&str]) -> BTreeSet<Name> {
        texts.iter().map(|text| name(text)).collect()
    }

    fn divide(
        kinds: &[(&str, Override<Duration>)],
        namespaces: &[(&str, Override<Duration>)],
        default: Option<Duration>,
    ) -> Vec<(Lanes, Duration)> {
        let own = |settings: &[(&str, Override<Duration>)]| -> Vec<(Name, Override<Duration>)> {
            settings.iter().map(|(text, setting)| (name(text), *setting)).collect()
        };
        let (kinds, namespaces) = (own(kinds), own(namespaces));
        let pairs = |settings: &'static [(Name, Override<Duration>)]| settings.iter().map(|(name, set)| (name, *set));
        periods(pairs(kinds.leak()), pairs(namespaces.leak()), default)
    }

    #[test]
    fn without_settings_one_query_asks_for_all_or_none_for_nothing() {
        let all = (Lanes { namespaces: Names::All, kinds: Names::All }, DAY);
        assert_eq!(divide(&[("a", Override::Inherit)], &[], Some(DAY)), [all]);
        assert_eq!(divide(&[("a", Override::Inherit)], &[("n", Override::Off)], None), []);
    }

    #[test]
    fn a_kind_beats_a_namespace_which_beats_the_default() {
        let kinds =
            [("a", Override::Set(HOUR)), ("b", Override::Off), ("c", Override::Inherit), ("d", Override::Set(HOUR))];
        let namespaces = [("m", Override::Off), ("n", Override::Set(2 * HOUR)), ("o", Override::Inherit)];
        let others = Names::Except(names(&["a", "b", "d"]));
        let expected = [
            (Lanes { namespaces: Names::All, kinds: Names::Only(names(&["a", "d"])) }, HOUR),
            (Lanes { namespaces: Names::Only(names(&["n"])), kinds: others.clone() }, 2 * HOUR),
            (Lanes { namespaces: Names::Except(names(&["m", "n"])), kinds: others }, DAY),
        ];
        assert_eq!(divide(&kinds, &namespaces, Some(DAY)), expected);
    }

    #[test]
    fn every_lane_is_in_at_most_one_and_has_the_period_that_its_settings_resolve_to() {
        let settings = [Override::Inherit, Override::Off, Override::Set(HOUR), Override::Set(DAY)];
        let kinds: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(settings).collect();
        let namespaces: Vec<_> = ["m", "n", "o", "p"].into_iter().zip(settings).collect();
        for default in [None, Some(2 * DAY)] {
            let periods = divide(&kinds, &namespaces, default);
            for (kind, of_kind) in kinds.iter().chain(&[("unknown", Override::Inherit)]) {
                for (namespace, of_namespace) in namespaces.iter().chain(&[("unknown", Override::Inherit)]) {
                    let holds = of_kind.or_override(*of_namespace).or(default);
                    let has = |(lanes, _): &&(Lanes, Duration)| {
                        lanes.kinds.contains(&name(kind)) && lanes.namespaces.contains(&name(namespace))
                    };
                    let found: Vec<Duration> = periods.iter().filter(has).map(|(_, period)| *period).collect();
                    assert_eq!(found, holds.into_iter().collect::<Vec<_>>(), "{namespace}/{kind}");
                }
            }
        }
    }
}
