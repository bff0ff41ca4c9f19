use std::time::Duration;

use delta_core::{Error, LogEvent, LogStore, Result};
use futures::future::FutureExt as _;
use tokio::time::Instant;

use crate::clock::instant;
use crate::log::consume::books::Wrote;
use crate::log::consume::members::Balanced;
use crate::log::consume::slice::{Slice, Unwritten};
use crate::log::consume::tenure::{Ending, Tenure};
use crate::log::consume::unit::Unit;
use crate::log::consume::{ConsumeFailure, CursorWrites};
use crate::log::dead_letters::letter;

/// How long it may stay unwritten that events were passed which need not be handled.
const LAZILY: Duration = Duration::from_secs(5);

/// A unit that is given up on.
#[derive(Debug)]
pub(super) struct Letter<E> {
    pub(super) unit: Unit<E>,
    pub(super) message: String,
    pub(super) attempts: u32,
    /// Whether what is behind the unit waits for it.
    pub(super) in_lane: bool,
}

/// What was written. There is one write at a time, so that each knows the versions that the one before has left.
#[derive(Debug)]
pub(super) enum Penned<E> {
    /// The cursors of these slices.
    Rows(Vec<u16>, Result<Wrote>),
    /// A dead letter.
    Letter(Letter<E>, Result<Option<Wrote>>),
    /// The membership, and which slices were taken.
    Balanced(Result<Balanced>),
    /// Slices were given back.
    Released(Result<()>),
    /// Slices that somebody else had written were read anew.
    Reloaded(Result<Vec<(u16, Slice)>>),
}

impl<S: LogStore, E: LogEvent> Tenure<S, E> {
    /// When the next write is due, if nothing happens. What is due at once is due since the last one: a moment read here
    /// would be later than the one it is compared with.
    pub(super) fn next_write(&self) -> Instant {
        if self.pen.is_some() {
            return self.report_at;
        }
        let due = match (self.flow.unwritten(), self.setup().options.writes) {
            (None, _) => self.renew_at,
            (Some(Unwritten::Passed), _) => self.wrote_at + LAZILY,
            (Some(Unwritten::Handled), CursorWrites::Every(period)) => self.wrote_at + period,
            (Some(Unwritten::Handled), CursorWrites::Sync) | (Some(Unwritten::Counted), _) => self.wrote_at,
        };
        due.min(self.renew_at)
    }

    /// The lease holds from this moment on.
    pub(super) fn renewed(&mut self, asked: Instant) {
        let lease = self.setup().lease();
        self.good_until = asked + lease / 4 * 3;
        self.renew_at = asked + lease / 3;
    }

    /// A cursor was written with its lease, which holds from this moment on, unless that is the member's.
    pub(super) fn renewed_with_row(&mut self, asked: Instant) {
        if self.membership.is_none() {
            self.renewed(asked);
        }
    }

    /// Writes what is due, unless a write is on its way.
    pub(super) fn write_on(&mut self, now: Instant) {
        if self.pen.is_some() {
            return;
        }
        if let Some(letter) = self.next_letter() {
            self.bury(letter);
            return;
        }
        if self.share_out(now) || self.next_write() > now {
            return;
        }
        let owner = self.books.owner;
        let renews = now >= self.renew_at && self.membership.is_none();
        let mut rows = Vec::new();
        let mut numbers = Vec::new();
        for (number, slice) in &mut self.flow.slices {
            if !slice.is_busy() && (renews || slice.unwritten().is_some()) {
                numbers.push(*number);
                rows.push(slice.outgoing(owner));
            }
        }
        self.wrote_at = now;
        self.flow.look_again();
        if rows.is_empty() {
            if renews {
                // Its cursor is in a transaction, which renews the lease.
                self.renew_at = now + self.setup().lease() / 12;
            }
            return;
        }
        let books = self.books.clone();
        self.pen = Some(async move { Penned::Rows(numbers, books.write(rows).await) }.boxed());
    }

    /// The next dead letter whose cursor is free.
    fn next_letter(&mut self) -> Option<Letter<E>> {
        let slices = &self.flow.slices;
        let free = |letter: &Letter<E>| slices.get(&letter.unit.lane.slice).is_none_or(|slice| !slice.is_busy());
        let index = self.letters.iter().position(free)?;
        self.letters.remove(index)
    }

    fn bury(&mut self, buried: Letter<E>) {
        let owner = self.books.owner;
        let Some(slice) = self.flow.slice_of(&buried.unit) else { return };
        let row = slice.lend(owner, buried.unit.positions());
        let books = self.books.clone();
        let write = async move {
            let written = async {
                let now = books.now().await?;
                let (log, name) = (books.setup.log.name(), books.setup.name());
                let letters = buried.unit.events.iter();
                let letters = letters
                    .map(|event| letter(log, name, event, buried.message.clone(), buried.attempts, now))
                    .collect::<Result<Vec<_>>>()?;
                books.bury(row, letters).await
            }
            .await;
            Penned::Letter(buried, written)
        };
        self.pen = Some(write.boxed());
    }

    /// Takes note of what was written.
    pub(super) fn penned(&mut self, penned: Penned<E>) -> Result<Option<Ending>, ConsumeFailure> {
        let ending = match penned {
            Penned::Rows(numbers, wrote) => {
                let wrote = wrote?;
                for number in numbers {
                    let Some(slice) = self.flow.slices.get_mut(&number) else { continue };
                    if !wrote.lost.iter().any(|name| name == slice.name()) {
                        slice.written(wrote.until);
                    }
                }
                self.renewed_with_row(wrote.asked);
                let lost =
                    self.flow.slices.iter().filter(|(_, slice)| wrote.lost.iter().any(|name| name == slice.name()));
                let lost: Vec<u16> = lost.map(|(number, _)| *number).collect();
                lost.into_iter().find_map(|number| self.lost(number))
            }
            Penned::Letter(letter, written) => self.buried(&letter, written)?,
            Penned::Balanced(balanced) => self.balanced(balanced?),
            Penned::Released(released) => {
                released?;
                None
            }
            Penned::Reloaded(slices) => {
                let slices = slices?;
                if !slices.is_empty() {
                    let consumer = self.setup().name();
                    tracing::warn!(
                        consumer,
                        slices = slices.len(),
                        "cursors of slices were moved, and it goes on from there"
                    );
                }
                self.add(slices);
                None
            }
        };
        self.flow.look_again();
        self.flow.unhold();
        Ok(ending)
    }

    fn buried(&mut self, letter: &Letter<E>, written: Result<Option<Wrote>>) -> Result<Option<Ending>, ConsumeFailure> {
        let slice = self.flow.slice_of(&letter.unit);
        match written {
            Ok(Some(wrote)) => {
                if let Some(slice) = slice {
                    slice.give_back(Some(wrote.until));
                }
                self.renewed_with_row(wrote.asked);
                self.flow.handled(&letter.unit);
                let events = u64::try_from(letter.unit.events.len()).unwrap_or(u64::MAX);
                self.flow.summary.dead_lettered += events;
                self.meter.dead_lettered(events);
            }
            Ok(None) => return Ok(self.lost(letter.unit.lane.slice)),
            Err(error) if is_fatal(&error) => return Err(error.into()),
            Err(error) => {
                // The event is tried again, as it must not be lost.
                if let Some(slice) = slice {
                    slice.give_back(None);
                }
                let delay = self.delay(i64::from(letter.attempts));
                tracing::error!(consumer = self.setup().name(), %error, ?delay, "a dead letter could not be recorded");
                self.flow.retry(letter.unit.clone(), instant() + delay);
            }
        }
        if letter.in_lane {
            self.flow.go_on(&letter.unit);
        }
        Ok(None)
    }
}

/// Whether it is not known what the store has written.
fn is_fatal(error: &Error) -> bool {
    error.is_transient()
}
