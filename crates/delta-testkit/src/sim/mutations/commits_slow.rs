use crate::fault::Operation;
use crate::sim::{Mutation, Sight};

/// A database may be slow.
#[derive(Debug)]
pub(super) struct CommitsSlow;

impl Mutation for CommitsSlow {
    fn name(&self) -> &'static str {
        "every commit takes a third of a second"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn takes_longer(&self, _: &Sight<'_>, operation: Operation) -> u64 {
        if operation == Operation::Commit { 300 } else { 0 }
    }
}
