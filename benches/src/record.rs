//! What a run writes: every figure of every round, on which machine and with which settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::measure::{Spread, Usage, median};
use crate::subject::{LIMIT_OWN, LIMIT_REFERENCE, Parameters};

/// One figure of one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What was done.
    pub scenario: String,
    /// Who did it.
    pub subject: String,
    /// What the scenario varies.
    pub parameters: Parameters,
    /// In which round.
    pub round: usize,
    /// What the figure is of: `throughput`, `p50`, ...
    pub metric: String,
    /// In what.
    pub unit: String,
    /// The figure.
    pub value: f64,
    /// What it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What was seen meanwhile: pairs of seconds since the start and a value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<String, Vec<(f64, f64)>>,
    /// What else is to be known of the subject.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: Parameters,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// On what it ran, with which versions and settings.
    pub about: BTreeMap<String, String>,
    /// All figures.
    pub samples: Vec<Sample>,
    /// Who could not be measured, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

/// What all rounds of one subject come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Which figure it is.
    pub key: Key,
    /// Who did it.
    pub subject: String,
    /// In what.
    pub unit: String,
    /// Over all rounds.
    pub spread: Spread,
    /// In how many rounds.
    pub rounds: usize,
    /// The median of what it makes of [`LIMIT_OWN`] in the same round.
    pub of_own: Option<f64>,
    /// The median of what it makes of [`LIMIT_REFERENCE`] in the same round.
    pub of_reference: Option<f64>,
    /// Of the round in the middle.
    pub usage: Option<Usage>,
}

/// What is compared with each other: subjects of the same key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What was done.
    pub scenario: String,
    /// What varied.
    pub parameters: Parameters,
    /// What the figure is of.
    pub metric: String,
}

impl Record {
    /// Reads one that was written.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(file).map_err(|error| format!("could not read {}: {error}", file.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Writes it, as JSON.
    pub fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(fs::write(file, text + "\n").map_err(|error| format!("could not write {}: {error}", file.display()))?)
    }

    /// What its figures come to, in the order in which they were taken first.
    #[must_use]
    pub fn summaries(&self) -> Vec<Summary> {
        let mut order: Vec<(Key, &str)> = Vec::new();
        for sample in &self.samples {
            let which = (sample.key(), sample.subject.as_str());
            if !order.contains(&which) {
                order.push(which);
            }
        }
        order.into_iter().filter_map(|(key, subject)| self.summary(key, subject)).collect()
    }

    fn summary(&self, key: Key, subject: &str) -> Option<Summary> {
        let of = |subject: &str| -> Vec<&Sample> {
            self.samples.iter().filter(|sample| sample.subject == subject && sample.key() == key).collect()
        };
        let ours = of(subject);
        let ratio = |limit: &str| {
            let limits = of(limit);
            let ratios = ours.iter().filter_map(|sample| {
                let limit = limits.iter().find(|limit| limit.round == sample.round)?;
                (limit.value > 0.0).then(|| sample.value / limit.value)
            });
            median(&ratios.collect::<Vec<_>>())
        };
        let values: Vec<f64> = ours.iter().map(|sample| sample.value).collect();
        let spread = Spread::of(&values)?;
        let middle = ours
            .iter()
            .min_by(|one, other| (one.value - spread.median).abs().total_cmp(&(other.value - spread.median).abs()))?;
        Some(Summary {
            subject: subject.to_owned(),
            unit: middle.unit.clone(),
            spread,
            rounds: values.len(),
            of_own: ratio(LIMIT_OWN),
            of_reference: ratio(LIMIT_REFERENCE),
            usage: middle.usage.clone(),
            key,
        })
    }
}

impl Sample {
    /// With what it is compared.
    #[must_use]
    pub fn key(&self) -> Key {
        Key { scenario: self.scenario.clone(), parameters: self.parameters.clone(), metric: self.metric.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameters, Record, Sample};

    fn sample(subject: &str, round: usize, value: f64) -> Sample {
        Sample {
            scenario: "drain".into(),
            subject: subject.into(),
            parameters: Parameters::from([("batch".into(), "10".into())]),
            round,
            metric: "throughput".into(),
            unit: "items/s".into(),
            value,
            usage: None,
            series: std::collections::BTreeMap::default(),
            notes: Parameters::new(),
        }
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let samples = vec![
            sample("delta", 0, 50.0),
            sample("limit-own", 0, 100.0),
            sample("limit-own", 1, 10.0),
            sample("delta", 1, 9.0),
            sample("delta", 2, 1.0),
        ];
        let summaries = Record { samples, ..Record::default() }.summaries();
        assert_eq!(summaries.len(), 2);
        assert_eq!((summaries[0].subject.as_str(), summaries[0].spread.median, summaries[0].rounds), ("delta", 9.0, 3));
        assert_eq!((summaries[0].of_own, summaries[0].of_reference), (Some(0.7), None));
        assert_eq!(summaries[1].of_own, Some(1.0));
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let samples = vec![sample("delta", 0, 50.5)];
        let record = Record { samples, about: [("cores".into(), "2".into())].into(), failures: vec![] };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
