use delta::core::{LogStore, Restore};

use super::file::Lines;
use super::record::{Place, Record};
use super::source::Source;
use crate::failure::Failure;

/// Reads a database again, beside the file with what was read or written first. Returns the first thing that differs.
///
/// That both are equal says more than that nothing was misread. Versions, positions and ends of leases only grow, and ids
/// are never used again; so what is the same in both readings was the same all the time in between. Hence the file is
/// exactly what the database held at the moment between the first reading's end and the second one's begin, whoever
/// worked on it meanwhile. Settings of a kind or a namespace alone have no version: set to something else and back, they
/// are as they were in both readings.
pub(crate) async fn compare<S: Restore + LogStore>(
    source: &mut Source<'_, S>,
    lines: &mut Lines,
    mut each: impl FnMut(u64),
) -> Result<Option<String>, Failure> {
    loop {
        let page = source.page().await?;
        if page.is_empty() {
            return Ok(match content(lines)? {
                None => None,
                Some((record, _)) => Some(format!("{} is only in the file", place(&record)?)),
            });
        }
        for (found, line) in &page {
            let there = place(found)?;
            let Some((expected, expected_line)) = content(lines)? else {
                return Ok(Some(format!("{there} is only in the database")));
            };
            if *line == expected_line || raised(found, &expected) {
                continue;
            }
            let here = place(&expected)?;
            return Ok(Some(match there.cmp(&here) {
                std::cmp::Ordering::Less => format!("{there} is only in the database"),
                std::cmp::Ordering::Equal => format!("{there} is not the same"),
                std::cmp::Ordering::Greater => format!("{here} is only in the file"),
            }));
        }
        each(page.len() as u64);
    }
}

/// The next line between the first and the last.
fn content(lines: &mut Lines) -> Result<Option<(Record, String)>, Failure> {
    while let Some((record, line)) = lines.record()? {
        match record {
            Record::DeltaExport(_) => {}
            Record::End(_) => return Ok(None),
            _ => return Ok(Some((record, line))),
        }
    }
    Ok(None)
}

/// Whether a database has given out more than what was written to it had: it was used before, and emptied.
fn raised(found: &Record, expected: &Record) -> bool {
    match (found, expected) {
        (Record::GivenOut(found), Record::GivenOut(expected)) => {
            found.given_out() == found.given_out().max(expected.given_out())
        }
        _ => false,
    }
}

fn place(record: &Record) -> Result<Place, Failure> {
    record.place().map_err(Failure::Stored)
}
