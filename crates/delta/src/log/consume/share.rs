use std::collections::BTreeSet;
use std::time::Duration;

use delta_core::{LogEvent, LogStore};
use futures::future::FutureExt as _;
use tokio::time::Instant;

use crate::clock::instant;
use crate::log::consume::members::Balanced;
use crate::log::consume::pen::Penned;
use crate::log::consume::tenure::{Ending, Tenure};

/// How soon a run looks again that others got in the way of.
const SOON: Duration = Duration::from_millis(100);
/// How often a run that waits for the others' slices looks how far they are.
const WATCH: Duration = Duration::from_secs(1);

impl<S: LogStore, E: LogEvent> Tenure<S, E> {
    /// Does what is due of sharing slices with others. Returns whether something was begun.
    pub(super) fn share_out(&mut self, now: Instant) -> bool {
        let books = self.books.clone();
        if !self.reloads.is_empty() {
            let names = std::mem::take(&mut self.reloads);
            self.pen = Some(async move { Penned::Reloaded(books.reload(names).await) }.boxed());
            return true;
        }
        let Some(membership) = &self.membership else { return false };
        if now >= self.renew_at {
            let row = membership.row.clone();
            let mine: BTreeSet<u16> = self.flow.slices.keys().copied().collect();
            let all = self.waits_for_others();
            self.pen = Some(async move { Penned::Balanced(books.balance(row, &mine, all).await) }.boxed());
            return true;
        }
        if self.flow.has_drained() {
            let slices = self.flow.take_drained();
            self.pen = Some(async move { Penned::Released(books.release(slices).await) }.boxed());
            return true;
        }
        false
    }

    /// Takes note of how the slices were shared out.
    pub(super) fn balanced(&mut self, balanced: Balanced) -> Option<Ending> {
        let Some(row) = balanced.row else { return Some(Ending::Again) };
        self.renewed(balanced.asked);
        if let Some(membership) = &mut self.membership {
            membership.row = row;
            membership.others = balanced.others;
        }
        if !balanced.taken.is_empty() || balanced.excess > 0 {
            let (consumer, taken, excess) = (self.setup().name(), balanced.taken.len(), balanced.excess);
            tracing::info!(consumer, taken, excess, "slices are shared out");
        }
        self.add(balanced.taken);
        self.flow.drain(balanced.excess);
        if balanced.contended {
            let random = &self.books.setup.engine().random;
            self.renew_at = instant() + SOON + random.up_to(SOON);
        } else if self.waits_for_others() {
            self.renew_at = self.renew_at.min(instant() + WATCH);
        }
        None
    }

    /// A slice's cursor was written by somebody else. A consumer without slices is taken anew.
    pub(super) fn lost(&mut self, number: u16) -> Option<Ending> {
        if self.membership.is_none() {
            return Some(Ending::Again);
        }
        self.reloads.extend(self.flow.remove(number).map(|slice| slice.name().to_owned()));
        None
    }
}
