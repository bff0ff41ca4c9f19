use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Wakes all that wait, in the order in which they began to: the same run wakes them in the same order again, which a
/// `tokio::sync::watch` does not.
///
/// Clones are one bell.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rings: AtomicU64,
    rung: Notify,
}

/// Hears a bell, and misses no ring between two waits.
#[derive(Debug)]
pub(super) struct Hearer {
    bell: Bell,
    heard: u64,
}

impl Bell {
    pub(super) fn ring(&self) {
        // Before they are woken, as this is what they look at.
        self.0.rings.fetch_add(1, Ordering::AcqRel);
        self.0.rung.notify_waiters();
    }

    /// Hears what is rung from now on.
    pub(super) fn hearer(&self) -> Hearer {
        Hearer { heard: self.rings(), bell: self.clone() }
    }

    fn rings(&self) -> u64 {
        self.0.rings.load(Ordering::Acquire)
    }
}

impl Hearer {
    /// What was rung until now is not waited for.
    pub(super) fn catch_up(&mut self) {
        self.heard = self.bell.rings();
    }

    /// Waits until it is rung; not at all, if it was since the last time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub(super) async fn rung(&mut self) {
        let rung = pin!(self.bell.0.rung.notified());
        // After the line above, from which on no ring is missed.
        if self.bell.rings() == self.heard {
            rung.await;
        }
        self.heard = self.bell.rings();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt as _;
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn no_ring_is_missed_between_two_waits() {
        let bell = Bell::default();
        bell.ring();
        let mut hearer = bell.hearer();
        assert_eq!(hearer.rung().now_or_never(), None, "that was before");
        bell.ring();
        bell.ring();
        assert_eq!(hearer.rung().now_or_never(), Some(()));
        assert_eq!(hearer.rung().now_or_never(), None, "both were heard at once");
        bell.ring();
        hearer.catch_up();
        assert_eq!(hearer.rung().now_or_never(), None);
    }

    #[tokio::test]
    async fn who_began_to_wait_first_is_woken_first() {
        let (bell, order) = (Bell::default(), Mutex::new(Vec::new()));
        let waits = async |number| {
            bell.hearer().rung().await;
            order.lock().unwrap().push(number);
        };
        let mut all = pin!(join_all((0..100).map(waits)));
        assert!(all.as_mut().now_or_never().is_none());
        bell.ring();
        all.await;
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }
}
