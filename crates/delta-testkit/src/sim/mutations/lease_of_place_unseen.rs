use std::time::Duration;

use delta_core::{Cursor, CursorQuery};

use crate::invariants::{Invariant as _, OneLeader};
use crate::sim::{Mutation, Sight};

/// Reads the end of a cursor's lease without its time zone: whoever asks may take it.
#[derive(Debug)]
pub(super) struct LeaseOfPlaceUnseen;

impl Mutation for LeaseOfPlaceUnseen {
    fn name(&self) -> &'static str {
        "the lease of a place is read as over"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLeader::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn cursors(&self, sight: &Sight<'_>, _: &CursorQuery, cursors: &mut Vec<Cursor>) {
        for cursor in cursors {
            if sight.happens(200) {
                cursor.lease_until = cursor.lease_until.map(|until| until - Duration::from_hours(1));
            }
        }
    }
}
