use delta_core::{LogEvent, LogStore};
use futures::future::FutureExt as _;
use tokio::time::Instant;

use crate::clock::instant;
use crate::log::consume::attempt::{Attempt, Done, Ended};
use crate::log::consume::delivery::Ack;
use crate::log::consume::pen::Letter;
use crate::log::consume::replay::{Replay, Replayed};
use crate::log::consume::tenure::{Ending, Mode, Tenure};
use crate::log::consume::unit::Unit;
use crate::log::consume::{ConsumeError, ConsumeFailure, GiveUp};

impl<S: LogStore, E: LogEvent> Tenure<S, E> {
    /// Begins what may begin.
    pub(super) fn begin_units(&mut self, now: Instant) {
        while self.has_free_hands() {
            if self.replays.begin(&self.books, &self.cancellation) {
                continue;
            }
            let Some(unit) = self.flow.next(now) else { return };
            let owner = self.books.owner;
            let transactional = self.setup().is_transactional();
            let Some(slice) = self.flow.slice_of(&unit) else { continue };
            let number = slice.attempts(unit.position()).saturating_add(1);
            let cursor = transactional.then(|| slice.lend(owner, unit.positions()));
            if let (Some(server), Some(event)) = (self.setup().engine().clock.now(), unit.events.first()) {
                self.meter.begun(server.since(event.at()));
            }
            let (cancellation, acks) = (self.cancellation.clone(), self.acks.0.clone());
            let attempt = Attempt { books: self.books.clone(), unit, number, cancellation, acks, cursor };
            self.in_flight.push(attempt.run().boxed());
        }
    }

    pub(super) fn ended(&mut self, Done { unit, ended, took }: Done<E>) -> Result<Option<Ending>, ConsumeFailure> {
        self.meter.took(took);
        // What was said before the handler returned is heard before that.
        while let Ok(ack) = self.acks.1.try_recv() {
            self.hear(ack)?;
        }
        let said = self.flow.ended(&unit);
        // What a dead letter has borrowed meanwhile is not this attempt's to give back.
        let borrows = self.setup().is_transactional();
        if let Some(slice) = self.flow.slice_of(&unit).filter(|slice| borrows && slice.is_lent()) {
            match ended {
                Ended::Written(until) => slice.give_back(Some(until)),
                _ => slice.give_back(None),
            }
        }
        match ended {
            Ended::Handled => self.handled(&unit),
            Ended::Written(_) => {
                self.renewed_with_row(instant() - took);
                self.handled(&unit);
            }
            Ended::Filtered => {
                self.flow.handled(&unit);
                self.flow.summary.skipped += 1;
                self.meter.skipped(1);
            }
            // An ack counts whatever the handler returns after it.
            Ended::Returned | Ended::Failed(_) if matches!(said, Some(Ack::One(_))) => self.handled(&unit),
            Ended::Returned if said.is_some() => return self.failed(unit, unacked(), true).map(|()| None),
            Ended::Returned => {
                self.flow.go_on(&unit);
                self.flow.wait_for_ack(unit);
                return Ok(None);
            }
            Ended::Failed(error) => return self.failed(unit, error, true).map(|()| None),
            Ended::Lost => return Ok(self.lost(unit.lane.slice)),
            Ended::Store(error) => return Err(error.into()),
        }
        self.flow.go_on(&unit);
        Ok(None)
    }

    pub(super) fn hear(&mut self, ack: Ack) -> Result<(), ConsumeFailure> {
        let (handled, failed) = self.flow.hear(ack);
        for unit in &handled {
            self.handled(unit);
        }
        failed.map_or(Ok(()), |unit| self.failed(unit, unacked(), false))
    }

    fn handled(&mut self, unit: &Unit<E>) {
        self.flow.handled(unit);
        let events = u64::try_from(unit.events.len()).unwrap_or(u64::MAX);
        self.flow.summary.handled += events;
        self.meter.handled(events);
    }

    /// An attempt has failed; `in_lane` if what is behind the unit still waits for it.
    fn failed(&mut self, unit: Unit<E>, error: ConsumeError, in_lane: bool) -> Result<(), ConsumeFailure> {
        if self.cancellation.is_cancelled() {
            // It was told to end: it is handled again, as if it had not begun.
            return Ok(());
        }
        let attempts = self.flow.failed(&unit);
        self.flow.summary.failed_attempts += 1;
        self.meter.failed();
        let (consumer, position) = (self.setup().name().to_owned(), unit.position());
        let give_up = self.setup().consumer.give_up.filter(|(most, _)| attempts >= *most);
        match give_up {
            Some((_, GiveUp::BestEffort)) => {
                tracing::error!(%consumer, %position, attempts, %error, "a consumer gives up on an event, and passes it over");
                self.flow.handled(&unit);
                let events = u64::try_from(unit.events.len()).unwrap_or(u64::MAX);
                self.flow.summary.given_up += events;
                self.meter.skipped(events);
            }
            Some((_, GiveUp::DeadLetter)) => {
                tracing::error!(%consumer, %position, attempts, %error, "a consumer gives up on an event, and keeps it as a dead letter");
                self.letters.push_back(Letter { unit, message: error.to_string(), attempts, in_lane });
                return Ok(());
            }
            None if self.mode == Mode::Once => return Err(ConsumeFailure::Handler { position, attempts, error }),
            None => {
                let delay = self.delay(i64::from(attempts));
                tracing::warn!(%consumer, %position, attempts, %error, ?delay, "a consumer has failed, and tries again");
                self.flow.retry(unit.clone(), instant() + delay);
            }
        }
        if in_lane {
            self.flow.go_on(&unit);
        }
        Ok(())
    }

    /// Takes note of what has come of dead letters.
    pub(super) fn replayed(&mut self, replay: Replay<E>) -> Result<(), ConsumeFailure> {
        let consumer = self.setup().name().to_owned();
        match replay {
            Replay::Found(Ok(letters)) => {
                let (setup, slices) = (self.books.setup.clone(), &self.flow.slices);
                self.replays.found(letters, |event| slices.contains_key(&setup.slice(event)));
            }
            Replay::Over(Ok(Replayed::Resolved)) => self.flow.summary.replayed += 1,
            Replay::Over(Ok(Replayed::Failed(letter, error))) => {
                tracing::error!(%consumer, letter, %error, "a dead letter has failed again");
                self.flow.summary.failed_attempts += 1;
                self.meter.failed();
            }
            Replay::Over(Ok(Replayed::Left)) => {}
            Replay::Found(Err(error)) | Replay::Over(Err(error)) if self.mode == Mode::Supervised => {
                tracing::warn!(%consumer, %error, "dead letters could not be tried again");
                crate::metrics::error("consume", &error);
            }
            Replay::Found(Err(error)) | Replay::Over(Err(error)) => return Err(error.into()),
        }
        Ok(())
    }
}

fn unacked() -> ConsumeError {
    ConsumeError::new("dropped without an ack")
}
