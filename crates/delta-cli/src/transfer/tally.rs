use delta::core::ObjectHash;
use sha2::{Digest, Sha256};

use super::record::{End, Record};

/// Counts and digests the lines between the first and the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    digest: Sha256,
    given_out: u64,
    scopes: u64,
    resources: u64,
    events: u64,
    cursors: u64,
    dead_letters: u64,
}

impl Tally {
    /// Adds a line, which is given without its line feed.
    pub(crate) fn add(&mut self, record: &Record, line: &str) {
        let count = match record {
            Record::Scope(_) => &mut self.scopes,
            Record::Resource(_) => &mut self.resources,
            Record::Event(_) => &mut self.events,
            Record::Cursor(_) => &mut self.cursors,
            Record::DeadLetter(_) => &mut self.dead_letters,
            Record::GivenOut(_) => &mut self.given_out,
            Record::DeltaExport(_) | Record::End(_) => return,
        };
        *count += 1;
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
    }

    /// How many lines there were.
    pub(crate) fn count(&self) -> u64 {
        self.given_out + self.scopes + self.resources + self.events + self.cursors + self.dead_letters
    }

    /// What the last line says if this is all.
    pub(crate) fn end(&self) -> End {
        let bytes: [u8; 32] = self.digest.clone().finalize().into();
        let digest = ObjectHash::from_bytes(bytes).to_string();
        let Self { scopes, resources, events, cursors, dead_letters, .. } = *self;
        End { scopes, resources, events, cursors, dead_letters, digest }
    }
}
