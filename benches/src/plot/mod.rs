//! Drawings of a record: lines over what a scenario varies and over time, and bars of who did how much.

mod bars;
mod choose;
mod draw;
mod palette;

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::record::Record;

/// A drawing: the name of its file, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// Without a path.
    pub name: String,
    /// SVG.
    pub svg: String,
}

/// All drawings of a record.
pub fn plots(record: &Record) -> Result<Vec<Plot>, Failure> {
    let summaries = record.summaries();
    let lines = choose::over_parameters(&summaries).into_iter().chain(choose::over_time(&record.samples));
    let mut plots: Vec<Plot> = lines.map(|chart| draw::lines(&chart)).collect::<Result<_, _>>()?;
    plots.extend(bars::of(&summaries)?);
    Ok(plots)
}

/// Writes them into a folder, which is made; returns how many.
pub(crate) fn write(record: &Record, folder: &Path) -> Result<usize, Failure> {
    fs::create_dir_all(folder)?;
    let plots = plots(record)?;
    for plot in &plots {
        fs::write(folder.join(&plot.name), &plot.svg)?;
    }
    Ok(plots.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::plots;
    use crate::record::{Record, Sample};

    fn sample(subject: &str, parallelism: &str, value: f64) -> Sample {
        Sample {
            scenario: "drain".into(),
            subject: subject.into(),
            parameters: [("parallelism".to_owned(), parallelism.to_owned())].into(),
            round: 0,
            metric: "throughput".into(),
            unit: "items/s".into(),
            value,
            usage: None,
            series: BTreeMap::new(),
            notes: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_measured_over_a_parameter_is_drawn_over_it() {
        let steps = [("1", 900.0), ("8", 7_000.0), ("64", 40_000.0), ("1000", 80_000.0), ("default", 9_000.0)];
        let subjects = ["delta-sqlx-postgres", "limit-own"];
        let samples = subjects.iter().flat_map(|name| steps.map(|(step, value)| sample(name, step, value)));
        let drawn = plots(&Record { samples: samples.collect(), ..Record::default() }).unwrap();
        let names: Vec<&str> = drawn.iter().map(|plot| plot.name.as_str()).collect();
        assert!(names.contains(&"drain-throughput-parallelism.svg"), "{names:?}");
        let svg = &drawn[0].svg;
        assert!(svg.starts_with("<svg") && svg.contains("delta-sqlx-postgres") && svg.contains("items/s"), "{svg}");
    }

    #[test]
    fn what_was_seen_meanwhile_is_drawn_over_time() {
        let mut soak = sample("delta-sqlx-postgres", "1", 1.0);
        soak.series.insert("dead rows".into(), vec![(0.0, 1.0), (1.0, 5.0), (2.0, 3.0)]);
        let drawn = plots(&Record { samples: vec![soak], ..Record::default() }).unwrap();
        assert!(drawn.iter().any(|plot| plot.name == "drain-dead-rows-over-time.svg"), "{drawn:?}");
    }
}
