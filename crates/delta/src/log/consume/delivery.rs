use std::fmt;
use std::ops::Deref;

use tokio::sync::mpsc::UnboundedSender;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ack {
    /// It is handled.
    One(u64),
    /// It and all that were delivered before it are.
    UpTo(u64),
    /// Nobody can say any more that it is.
    Dropped(u64),
}

/// An event that is handled once somebody says so.
///
/// Dropping it says that it could not be handled: it is delivered again.
#[must_use = "dropped, it has failed and is delivered again"]
pub struct Delivery<E> {
    event: E,
    unit: u64,
    acks: Option<UnboundedSender<Ack>>,
}

impl<E> Delivery<E> {
    pub(super) fn new(event: E, unit: u64, acks: UnboundedSender<Ack>) -> Self {
        Self { event, unit, acks: Some(acks) }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &E {
        &self.event
    }

    /// Says that it is handled. The cursor moves past it once all before it are. After the end of the run that delivered it,
    /// this does nothing: the event is delivered again.
    pub fn ack(mut self) {
        self.say(Ack::One(self.unit));
    }

    /// Says that it and all events that were delivered before it are handled.
    pub fn ack_up_to(mut self) {
        self.say(Ack::UpTo(self.unit));
    }

    fn say(&mut self, ack: Ack) {
        if let Some(acks) = self.acks.take() {
            // Nobody listens after the run.
            let _ = acks.send(ack);
        }
    }
}

impl<E> Drop for Delivery<E> {
    fn drop(&mut self) {
        self.say(Ack::Dropped(self.unit));
    }
}

impl<E> Deref for Delivery<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}

impl<E: fmt::Debug> fmt::Debug for Delivery<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delivery").field(&self.event).finish()
    }
}
