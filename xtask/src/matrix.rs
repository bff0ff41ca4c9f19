use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::failure::Failure;

/// The order of the stores that are known; others come after them.
const STORES: [&str; 8] = [
    "memory",
    "sqlx: SQLite",
    "sqlx: Postgres",
    "sqlx: Postgres through PgBouncer",
    "sqlx: MariaDB",
    "diesel: Postgres",
    "diesel: Postgres through PgBouncer",
    "diesel: MariaDB",
];

/// Columns of suites that are the same for every store: their cells say how much of them it has passed.
const SUITES: [&str; 4] = ["contract", "copies", "log", "tables"];

/// The columns: the name in the notes of `delta_testkit::record::Proof`, and the heading.
const COLUMNS: [(&str, &str); 10] = [
    ("contract", "contract: cases passed"),
    ("copies", "exact copies: cases passed"),
    ("log", "consuming: cases passed"),
    ("tables", "application logs: cases passed"),
    ("differential", "differential tests"),
    ("fleet", "fleet, workers killed"),
    ("mixed-fleet", "fleet with another store, workers killed"),
    ("database-killed", "database killed"),
    ("writers", "random writers, crashing consumers"),
    ("consumers-killed", "consumers and database killed"),
];

/// What the tests have shown about each store.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    stores: BTreeMap<String, Row>,
}

/// The names of the tests per column.
#[derive(Debug, Default)]
struct Row {
    passed: BTreeMap<&'static str, BTreeSet<String>>,
    skipped: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Matrix {
    /// Reads the notes: lines of column, store, verdict and test.
    pub(crate) fn read(notes: &str) -> Result<Self, Failure> {
        let mut matrix = Self::default();
        for line in notes.lines() {
            matrix.add(line).ok_or_else(|| {
                Failure::Message(format!("expected a note of column, store, verdict and test, found `{line}`"))
            })?;
        }
        Ok(matrix)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let [column, store, verdict, test] = line.split('\t').collect::<Vec<_>>()[..] else {
            return None;
        };
        let (column, _) = COLUMNS.into_iter().find(|(name, _)| *name == column)?;
        let row = self.stores.entry(store.to_owned()).or_default();
        let verdicts = match verdict {
            "passed" => &mut row.passed,
            "skipped" => &mut row.skipped,
            _ => return None,
        };
        // Without its module: a case that a store passes in two ways of use is one case.
        let test = test.rsplit("::").next().unwrap_or(test);
        verdicts.entry(column).or_default().insert(test.to_owned());
        Some(())
    }

    /// The table, with a column for what at least one store has shown.
    pub(crate) fn table(&self) -> String {
        let columns: Vec<_> = COLUMNS.into_iter().filter(|(name, _)| self.total(name) > 0).collect();
        let mut text = "| store |".to_owned();
        for (_, heading) in &columns {
            // Writing to a string does not fail.
            let _ = write!(text, " {heading} |");
        }
        text += "\n|---|";
        text += &"---|".repeat(columns.len());
        text.push('\n');
        let mut stores: Vec<_> = self.stores.iter().collect();
        stores.sort_by_key(|(store, _)| STORES.iter().position(|known| known == store).unwrap_or(STORES.len()));
        for (store, row) in stores {
            let _ = write!(text, "| {store} |");
            for (name, _) in &columns {
                let _ = write!(text, " {} |", self.cell(row, name));
            }
            text.push('\n');
        }
        text
    }

    fn cell(&self, row: &Row, column: &str) -> String {
        let none = BTreeSet::new();
        let passed = row.passed.get(column).unwrap_or(&none);
        // What is passed in one way of use and skipped in another is passed.
        let skipped = row.skipped.get(column).unwrap_or(&none).difference(passed).count();
        match (SUITES.contains(&column), passed.len(), skipped) {
            (_, 0, 0) => "–".to_owned(),
            (true, passed, 0) => format!("{passed} of {}", self.total(column)),
            (true, passed, 1) => format!("{passed} of {}, 1 does not apply", self.total(column)),
            (true, passed, _) => format!("{passed} of {}, {skipped} do not apply", self.total(column)),
            (false, 0, _) => "does not apply".to_owned(),
            (false, 1, _) => "passed".to_owned(),
            (false, several, _) => format!("{several} passed"),
        }
    }

    /// How many tests of a column there are, on whatever store.
    fn total(&self, column: &str) -> usize {
        let rows = self.stores.values().flat_map(|row| [&row.passed, &row.skipped]);
        rows.filter_map(|verdicts| verdicts.get(column)).flatten().collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::Matrix;

    #[test]
    fn a_store_is_a_row_and_what_nobody_has_shown_is_no_column() {
        let notes = "contract\tzzz\tpassed\tz-1::s01_a\n\
                     contract\tsqlx: Postgres\tpassed\tpostgres-1::usual::s01_a\n\
                     contract\tsqlx: Postgres\tpassed\tpostgres-1::cacheless::s01_a\n\
                     contract\tsqlx: Postgres\tskipped\tpostgres-1::cacheless::s01_b\n\
                     contract\tsqlx: Postgres\tpassed\tpostgres-1::usual::s01_b\n\
                     contract\tmemory\tskipped\tcontract-1::s01_b\n\
                     contract\tmemory\tpassed\tcontract-1::s01_a\n\
                     copies\tmemory\tpassed\tcontract-1::r1_a\n\
                     fleet\tsqlx: Postgres\tpassed\tfleet-1::a_fleet\n\
                     differential\tsqlx: Postgres\tpassed\tpostgres-1::d1\n\
                     differential\tsqlx: Postgres\tpassed\tpostgres-1::d2\n";
        assert_eq!(
            Matrix::read(notes).unwrap().table(),
            "| store | contract: cases passed | exact copies: cases passed | differential tests | fleet, workers killed |\n\
             |---|---|---|---|---|\n\
             | memory | 1 of 2, 1 does not apply | 1 of 1 | – | – |\n\
             | sqlx: Postgres | 2 of 2 | – | 2 passed | passed |\n\
             | zzz | 1 of 2 | – | – | – |\n"
        );
    }

    #[test]
    fn a_note_of_another_form_is_refused() {
        for line in ["contract\tmemory\tpassed", "contract\tmemory\tfailed\ta::b", "speed\tmemory\tpassed\ta::b"] {
            assert!(Matrix::read(line).is_err(), "{line}");
        }
    }
}
