use std::collections::BTreeMap;

use crate::record::{Sample, Summary};

/// Lines over one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chart {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) x: String,
    pub(super) y: String,
    /// Of each subject.
    pub(super) lines: BTreeMap<String, Vec<(f64, f64)>>,
}

/// A line has as many points as this, to be drawn.
const POINTS: usize = 3;

/// A chart for each figure and each parameter that has enough values while all others stay as they are.
pub(super) fn over_parameters(summaries: &[Summary]) -> Vec<Chart> {
    let mut charts: BTreeMap<(String, String, String), BTreeMap<String, Chart>> = BTreeMap::new();
    for summary in summaries {
        for (name, value) in &summary.key.parameters {
            let Ok(x) = value.parse::<f64>() else { continue };
            let others = summary.key.parameters.iter().filter(|(other, _)| *other != name);
            let others: Vec<String> = others.map(|(name, value)| format!("{name} {value}")).collect();
            let which = (summary.key.scenario.clone(), summary.key.metric.clone(), name.clone());
            let chart = charts.entry(which).or_default().entry(others.join(", ")).or_insert_with(|| Chart {
                name: file(&[&summary.key.scenario, &summary.key.metric, name]),
                title: title(&summary.key.scenario, &summary.key.metric, &others.join(", ")),
                x: name.clone(),
                y: summary.unit.clone(),
                lines: BTreeMap::new(),
            });
            chart.lines.entry(summary.subject.clone()).or_default().push((x, summary.spread.median));
        }
    }
    // Of all that the other parameters may be, what was measured most.
    let longest = |charts: BTreeMap<String, Chart>| {
        charts.into_values().max_by_key(|chart| chart.lines.values().map(Vec::len).sum::<usize>())
    };
    let charts = charts.into_values().filter_map(longest);
    charts.filter_map(sorted).collect()
}

/// A chart for each thing that was seen while something was measured, of its last round.
pub(super) fn over_time(samples: &[Sample]) -> Vec<Chart> {
    let mut charts: BTreeMap<(String, String), Chart> = BTreeMap::new();
    for sample in samples {
        for (series, points) in &sample.series {
            // Several of one chart are told apart by what is behind a slash.
            let (name, line) = series.split_once('/').unwrap_or((series, &sample.subject));
            let chart = charts.entry((sample.scenario.clone(), name.to_owned())).or_insert_with(|| Chart {
                name: file(&[&sample.scenario, name, "over time"]),
                title: title(&sample.scenario, name, ""),
                x: "seconds".to_owned(),
                y: name.to_owned(),
                lines: BTreeMap::new(),
            });
            chart.lines.insert(line.to_owned(), points.clone());
        }
    }
    charts.into_values().filter_map(sorted).collect()
}

fn sorted(mut chart: Chart) -> Option<Chart> {
    chart.lines.retain(|_, points| points.len() >= POINTS);
    for points in chart.lines.values_mut() {
        points.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    }
    (!chart.lines.is_empty()).then_some(chart)
}

fn title(scenario: &str, metric: &str, others: &str) -> String {
    if others.is_empty() { format!("{scenario}: {metric}") } else { format!("{scenario}: {metric} ({others})") }
}

pub(super) fn file(parts: &[&str]) -> String {
    let text = parts.join("-").to_lowercase();
    let safe = text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    format!("{}.svg", safe.collect::<String>())
}
