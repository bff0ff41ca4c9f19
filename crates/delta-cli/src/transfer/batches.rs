use delta::core::{Cursor, RestoreBatch, RestoreFence};

use super::file::Lines;
use super::record::Item;
use crate::failure::Failure;

/// So many lines in one batch, or so many bytes of lines, whichever comes first.
const LINES: u64 = 2_000;
const BYTES: usize = 8 << 20;

/// Reads the lines between the first and the last in batches.
pub(crate) struct Batches {
    lines: Lines,
    /// How many were read.
    read: u64,
}

impl Batches {
    pub(crate) fn new(lines: Lines) -> Self {
        Self { lines, read: 0 }
    }

    /// Passes over what was imported already.
    pub(crate) fn skip(&mut self, lines: u64) -> Result<(), Failure> {
        while self.read < lines {
            match self.lines.record()? {
                Some((super::Record::DeltaExport(_), _)) => {}
                Some(_) => self.read += 1,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// How many lines were read.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// The next batch, with its progress to be filled in; none at the end.
    pub(crate) fn next(&mut self, fence: RestoreFence) -> Result<Option<RestoreBatch>, Failure> {
        let mut batch = RestoreBatch::new(fence, Cursor::new(String::new()));
        let (begin, mut bytes) = (self.read, 0);
        while self.read - begin < LINES && bytes < BYTES {
            let Some((item, length)) = self.lines.item()? else { break };
            match item {
                Item::Header(_) => continue,
                Item::End(_) => break,
                Item::GivenOut(_) => {}
                Item::Scope(record) => batch.scopes.push(record),
                Item::Resource(row) => batch.resources.push(*row),
                Item::Event(event) => batch.events.push(*event),
                Item::Cursor(cursor) => batch.cursors.push(cursor),
            }
            self.read += 1;
            bytes += length;
        }
        Ok((self.read > begin).then_some(batch))
    }
}
