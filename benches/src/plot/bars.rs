use plotters::prelude::*;

use super::Plot;
use super::choose::file;
use super::draw::said;
use super::palette::{INK, colour};
use crate::failure::Failure;
use crate::record::{Key, Summary};
use crate::table::figure;

const WIDTH: u32 = 860;
const HEAD: i32 = 52;
const ROW: i32 = 30;
/// Where names end and bars begin, and how far these go at most.
const NAMES: i32 = 300;
const LENGTH: f64 = 460.0;

/// Bars of everybody who did the same, where many did.
pub(super) fn of(summaries: &[Summary]) -> Result<Vec<Plot>, Failure> {
    let mut drawn: Vec<&Key> = Vec::new();
    let mut plots = Vec::new();
    for Summary { key, unit, .. } in summaries {
        let rows: Vec<&Summary> = summaries.iter().filter(|other| other.key == *key).collect();
        if rows.len() < 4 || !unit.ends_with("/s") || drawn.contains(&key) {
            continue;
        }
        drawn.push(key);
        plots.push(bars(key, unit, rows)?);
    }
    Ok(plots)
}

fn bars(key: &Key, unit: &str, mut rows: Vec<&Summary>) -> Result<Plot, Failure> {
    rows.sort_unstable_by(|one, other| other.spread.median.total_cmp(&one.spread.median));
    let most = rows.first().map_or(1.0, |row| row.spread.median.max(f64::MIN_POSITIVE));
    let parameters: Vec<String> = key.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let height = HEAD + ROW * i32::try_from(rows.len())? + 10;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, u32::try_from(height)?)).into_drawing_area();
        area.fill(&WHITE).map_err(said)?;
        let title = format!("{}: {unit} ({})", key.scenario, parameters.join(", "));
        area.draw(&Text::new(title, (14, 14), ("sans-serif", 20).into_font().color(&INK))).map_err(said)?;
        for (number, row) in rows.iter().enumerate() {
            let top = HEAD + ROW * i32::try_from(number)?;
            area.draw(&Text::new(row.subject.clone(), (14, top + 5), ("sans-serif", 14).into_font().color(&INK)))
                .map_err(said)?;
            let end = NAMES + pixels(row.spread.median / most * LENGTH);
            let bar = [(NAMES, top), (end, top + ROW - 8)];
            let family = usize::from(!row.subject.starts_with("delta-"));
            area.draw(&Rectangle::new(bar, colour(&row.subject, family).filled())).map_err(said)?;
            let text =
                Text::new(figure(row.spread.median), (end + 8, top + 5), ("sans-serif", 14).into_font().color(&INK));
            area.draw(&text).map_err(said)?;
        }
        area.present().map_err(said)?;
    }
    let values: Vec<&str> = key.parameters.values().map(String::as_str).collect();
    Ok(Plot { name: file(&[&key.scenario, &key.metric, "of", &values.join("-")]), svg })
}

#[expect(clippy::cast_possible_truncation, reason = "a length on a drawing")]
fn pixels(length: f64) -> i32 {
    length.round() as i32
}
