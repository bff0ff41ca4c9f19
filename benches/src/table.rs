use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use crate::record::{Record, Summary};

/// A table of each scenario and figure.
pub(crate) fn tables(summaries: &[Summary]) -> String {
    let mut text = String::new();
    let mut done: Vec<(&str, &str)> = Vec::new();
    for summary in summaries {
        let which = (summary.key.scenario.as_str(), summary.key.metric.as_str());
        if done.contains(&which) {
            continue;
        }
        done.push(which);
        let rows: Vec<&Summary> = summaries
            .iter()
            .filter(|other| (other.key.scenario.as_str(), other.key.metric.as_str()) == which)
            .collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}: {} in {}\n{}", which.0, which.1, summary.unit, table(&rows));
    }
    text
}

/// Versions and settings of subjects, each once.
pub(crate) fn notes(record: &Record) -> String {
    let mut lines: Vec<String> = Vec::new();
    for sample in record.samples.iter().filter(|sample| !sample.notes.is_empty()) {
        let notes = sample.notes.iter().map(|(name, value)| format!("{name} {value}"));
        let line = format!("{} {}: {}", sample.scenario, sample.subject, notes.collect::<Vec<_>>().join(", "));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn table(rows: &[&Summary]) -> Table {
    let mut names: Vec<&String> = rows.iter().flat_map(|row| row.key.parameters.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let fixed = ["subject", "median", "min", "max", "of own", "of ref", "n"];
    let used = ["WAL B", "commits", "dead", "server ms", "client ms", "MB", "server MB"];
    let has_usage = rows.iter().any(|row| row.usage.is_some());
    let header = names.iter().map(|name| name.as_str()).chain(fixed);
    table.set_header(header.chain(used.into_iter().filter(|_| has_usage)).map(str::to_owned));
    for row in rows {
        let mut cells: Vec<String> =
            names.iter().map(|name| row.key.parameters.get(*name).cloned().unwrap_or_default()).collect();
        cells.push(row.subject.clone());
        cells.extend([row.spread.median, row.spread.min, row.spread.max].map(figure));
        cells.extend([row.of_own, row.of_reference].map(ratio));
        cells.push(row.rounds.to_string());
        if has_usage {
            let usage = row.usage.clone().unwrap_or_default();
            cells.extend(
                [
                    usage.wal_bytes,
                    usage.commits,
                    usage.dead_rows,
                    usage.server_cpu_ms,
                    usage.client_cpu_ms,
                    usage.peak_rss_mb,
                    usage.server_peak_rss_mb,
                ]
                .map(|part| part.map(figure).unwrap_or_default()),
            );
        }
        table.add_row(cells);
    }
    for (number, column) in table.column_iter_mut().enumerate() {
        if number > names.len() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default()
}

/// With as many digits as say something, and its thousands apart.
pub(crate) fn figure(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut text = String::new();
    for (number, digit) in digits.chars().enumerate() {
        if number > 0 && (digits.len() - number).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_are_short() {
        for (value, text) in
            [(0.8449, "0.84"), (99.5, "99.50"), (123.4, "123"), (97_338.4, "97,338"), (-1e6, "-1,000,000")]
        {
            assert_eq!(figure(value), text);
        }
    }
}
