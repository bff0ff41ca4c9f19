//! The guard: whether ratios to the limit fell, which stay what they are when the machine is another.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};

use crate::record::{Key, Record};
use crate::subject::{LIMIT_OWN, LIMIT_REFERENCE};

/// A ratio that both records have.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Of which figure.
    pub key: Key,
    /// Whose.
    pub subject: String,
    /// To which limit.
    pub limit: &'static str,
    /// In the baseline.
    pub before: f64,
    /// In this run.
    pub now: f64,
}

impl Compared {
    /// What is left of it: below 1 it fell.
    #[must_use]
    pub fn kept(&self) -> f64 {
        self.now / self.before
    }
}

/// The ratios that both records have, of figures of which more is better.
#[must_use]
pub fn compare(baseline: &Record, now: &Record) -> Vec<Compared> {
    let baseline = ratios(baseline);
    let shared = ratios(now).into_iter().filter_map(|((key, subject, limit), now)| {
        let before = *baseline.get(&(key.clone(), subject.clone(), limit))?;
        Some(Compared { key, subject, limit, before, now })
    });
    shared.collect()
}

/// Those that fell by more than a share.
#[must_use]
pub fn fallen(compared: &[Compared], tolerance: f64) -> Vec<&Compared> {
    compared.iter().filter(|one| one.kept() < 1.0 - tolerance).collect()
}

/// A table of them.
#[must_use]
pub fn table(compared: &[&Compared]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["scenario", "parameters", "figure", "subject", "ratio to", "baseline", "now", "kept"]);
    for one in compared {
        let parameters = one.key.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        table.add_row([
            one.key.scenario.clone(),
            parameters.collect::<Vec<_>>().join(" "),
            one.key.metric.clone(),
            one.subject.clone(),
            one.limit.to_owned(),
            format!("{:.2}", one.before),
            format!("{:.2}", one.now),
            format!("{:.2}", one.kept()),
        ]);
    }
    table.to_string()
}

fn ratios(record: &Record) -> BTreeMap<(Key, String, &'static str), f64> {
    let mut all = BTreeMap::new();
    for summary in record.summaries() {
        // A limit beside itself says nothing of us, and neither does a peer.
        if !summary.subject.starts_with("delta-") || !summary.unit.ends_with("/s") {
            continue;
        }
        for (limit, ratio) in [(LIMIT_OWN, summary.of_own), (LIMIT_REFERENCE, summary.of_reference)] {
            if let Some(ratio) = ratio.filter(|ratio| *ratio > 0.0) {
                all.insert((summary.key.clone(), summary.subject.clone(), limit), ratio);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{compare, fallen, table};
    use crate::record::{Record, Sample};

    fn record(figures: &[(&str, &str, f64)]) -> Record {
        let sample = |(subject, batch, value): &(&str, &str, f64)| Sample {
            scenario: "drain".into(),
            subject: (*subject).into(),
            parameters: [("batch".to_owned(), (*batch).to_owned())].into(),
            round: 0,
            metric: "throughput".into(),
            unit: "items/s".into(),
            value: *value,
            usage: None,
            series: BTreeMap::new(),
            notes: BTreeMap::new(),
        };
        Record { samples: figures.iter().map(sample).collect(), ..Record::default() }
    }

    #[test]
    fn a_ratio_that_fell_is_found_whatever_the_machine() {
        let before = record(&[("delta-a", "1", 80.0), ("limit-own", "1", 100.0)]);
        let faster = record(&[("delta-a", "1", 160.0), ("limit-own", "1", 200.0)]);
        let compared = compare(&before, &faster);
        assert_eq!(compared.len(), 1);
        assert!(fallen(&compared, 0.15).is_empty());
        let slower = record(&[("delta-a", "1", 100.0), ("limit-own", "1", 200.0)]);
        let compared = compare(&before, &slower);
        let fallen = fallen(&compared, 0.15);
        assert_eq!((fallen.len(), fallen[0].before, fallen[0].now), (1, 0.8, 0.5));
        assert!(table(&fallen).contains("delta-a") && table(&fallen).contains("batch=1"));
    }

    #[test]
    fn a_fall_within_the_tolerance_is_none() {
        let before = record(&[("delta-a", "1", 100.0), ("limit-reference", "1", 100.0)]);
        let now = record(&[("delta-a", "1", 86.0), ("limit-reference", "1", 100.0)]);
        let compared = compare(&before, &now);
        assert!(fallen(&compared, 0.15).is_empty());
        assert_eq!(fallen(&compared, 0.10).len(), 1);
    }

    #[test]
    fn only_what_both_have_is_compared() {
        let before = record(&[("delta-a", "1", 80.0), ("limit-own", "1", 100.0), ("peer (tuned)", "1", 50.0)]);
        let other = record(&[("delta-a", "2", 1.0), ("limit-own", "2", 100.0)]);
        assert!(compare(&before, &other).is_empty());
        assert!(compare(&before, &before).iter().all(|one| one.subject == "delta-a"));
    }
}
