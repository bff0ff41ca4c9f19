use delta::core::{Cursor, DeadLetter, RestoreBatch, RestoreFence};

use super::file::Lines;
use super::record::Item;
use crate::failure::Failure;

/// So many lines in one batch, or so many bytes of lines, whichever comes first.
const LINES: u64 = 2_000;
const BYTES: usize = 8 << 20;

/// Lines to write, with one progress.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) copies: RestoreBatch,
    /// Written before the copies: to write them again, after a crash in between, changes nothing.
    pub(crate) dead_letters: Vec<DeadLetter>,
}

impl Batch {
    /// A batch that writes nothing but its progress, which is to be filled in.
    pub(crate) fn new(fence: RestoreFence) -> Self {
        Self { copies: RestoreBatch::new(fence, Cursor::new(String::new())), dead_letters: Vec::new() }
    }
}

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
    pub(crate) fn next(&mut self, fence: RestoreFence) -> Result<Option<Batch>, Failure> {
        let mut batch = Batch::new(fence);
        let (begin, mut bytes) = (self.read, 0);
        while self.read - begin < LINES && bytes < BYTES {
            let Some((item, length)) = self.lines.item()? else { break };
            match item {
                Item::Header(_) => continue,
                Item::End(_) => break,
                Item::GivenOut(_) => {}
                Item::Scope(record) => batch.copies.scopes.push(record),
                Item::Resource(row) => batch.copies.resources.push(*row),
                Item::Event(event) => batch.copies.events.push(*event),
                Item::Cursor(cursor) => batch.copies.cursors.push(cursor),
                Item::DeadLetter(letter) => batch.dead_letters.push(*letter),
            }
            self.read += 1;
            bytes += length;
        }
        Ok((self.read > begin).then_some(batch))
    }
}
