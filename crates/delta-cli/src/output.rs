use std::fmt;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::failure::Failure;

/// For whom the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Where the output goes.
pub(crate) struct Output {
    format: Format,
    writer: BufWriter<Box<dyn Write>>,
}

impl Output {
    pub(crate) fn stdout(format: Format) -> Self {
        Self { format, writer: BufWriter::new(Box::new(io::stdout())) }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Writes the same thing, for people or for programs.
    pub(crate) fn write(&mut self, people: impl fmt::Display, programs: &impl Serialize) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.line(people),
            Format::Json => {
                let json = serde_json::to_string_pretty(programs).map_err(io::Error::other)?;
                self.line(json)
            }
        }
    }

    /// Writes JSON in one line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(io::Error::other)?;
        self.line(json)
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(self.writer, "{line}")?)
    }

    /// Makes what was written be seen.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }
}

/// A table with a heading, without lines.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heading);
    for row in rows {
        // A line break within a cell would look like another row.
        table.add_row(row.map(|cell| cell.replace(['\n', '\r'], " ")));
    }
    table.trim_fmt()
}

/// A duration in its largest unit, as people say it.
pub(crate) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A value or a dash.
pub(crate) fn or_dash(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_line_for_each_row() {
        let shown = table(["ID", "TEXT"], [["1".to_owned(), "two\nlines".to_owned()]]);
        let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("two lines"), "{shown}");
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let ages = [0, 5, 119, 120, 7_200, 172_800].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["0 ms", "5 s", "119 s", "2 min", "2 h", "2 d"]);
    }
}
