use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::scenario::latencies::Latencies;
use crate::scenario::soak::revised::Seen;

/// How long each revision waited between its commit and its work.
#[derive(Debug, Default)]
pub(super) struct Pickups {
    /// Of what only one end is known yet.
    halves: HashMap<u64, Seen>,
    /// When they were committed, counted from the beginning, and how long they waited.
    waits: Vec<(Duration, Duration)>,
}

impl Pickups {
    /// Takes in what is seen until the time is over; then at most a moment more for what has yet to begin.
    pub(super) async fn collect(
        mut self,
        mut told: mpsc::UnboundedReceiver<Seen>,
        begin: Instant,
        length: Duration,
        patience: Duration,
    ) -> Self {
        let mut minutes = 0;
        loop {
            let elapsed = begin.elapsed();
            if elapsed >= length + patience || (elapsed >= length && self.halves.is_empty()) {
                return self;
            }
            if elapsed.as_secs() / 60 > minutes {
                minutes += 1;
                self.tell(minutes);
            }
            // Wakes up now and then although nothing comes, to see that the time is over.
            match timeout(Duration::from_millis(100), told.recv()).await {
                Ok(Some(half)) => self.take(half, begin),
                Ok(None) => return self,
                Err(_) => {}
            }
        }
    }

    /// How many were begun.
    pub(super) fn len(&self) -> usize {
        self.waits.len()
    }

    /// How many were not.
    pub(super) fn open(&self) -> usize {
        self.halves.values().filter(|half| matches!(half, Seen::Informed { .. })).count()
    }

    /// The waits of what was committed within this time.
    pub(super) fn within(&self, time: &Range<Duration>) -> Latencies {
        let mut latencies = Latencies::default();
        self.waits.iter().filter(|(at, _)| time.contains(at)).for_each(|(_, wait)| latencies.push(*wait));
        latencies
    }

    /// A percentile of each window.
    pub(super) fn over_time(&self, window: Duration, share: usize) -> Vec<(f64, f64)> {
        let mut windows: Vec<Latencies> = Vec::new();
        for (at, wait) in &self.waits {
            let number = usize::try_from(at.as_micros() / window.as_micros()).unwrap_or(0);
            if windows.len() <= number {
                windows.resize(number + 1, Latencies::default());
            }
            windows[number].push(*wait);
        }
        let ends = (1..).map(|number| window.as_secs_f64() * f64::from(number));
        ends.zip(windows).filter_map(|(end, window)| Some((end, window.percentile(share)?))).collect()
    }

    fn take(&mut self, seen: Seen, begin: Instant) {
        let (Seen::Informed { revision, .. } | Seen::Begun { revision, .. }) = seen;
        match (self.halves.remove(&revision), seen) {
            (Some(Seen::Informed { at: informed, .. }), Seen::Begun { at: start, .. })
            | (Some(Seen::Begun { at: start, .. }), Seen::Informed { at: informed, .. }) => {
                // The caller of the inform may hear of the commit after the worker has.
                let wait = start.saturating_duration_since(informed);
                self.waits.push((informed.saturating_duration_since(begin), wait));
            }
            (_, half) => drop(self.halves.insert(revision, half)),
        }
    }

    fn tell(&self, minute: u64) {
        let last = self.within(&(Duration::from_mins(minute - 1)..Duration::from_mins(minute)));
        let figure = |share| last.percentile(share).unwrap_or(f64::NAN);
        eprintln!(
            "soak: minute {minute}: {} begun, pick-up p50 {:.2} ms, p99 {:.2} ms, {} waiting",
            last.len(),
            figure(50),
            figure(99),
            self.open(),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::sync::mpsc;

    use super::Pickups;
    use crate::clock::now;
    use crate::scenario::soak::revised::Seen;

    fn informed(revision: u64, at: Instant) -> Seen {
        Seen::Informed { revision, at }
    }

    fn begun(revision: u64, at: Instant) -> Seen {
        Seen::Begun { revision, at }
    }

    #[tokio::test]
    async fn both_ends_of_a_revision_are_paired_in_whichever_order_they_come() {
        let begin = now();
        let after = |ms| begin + Duration::from_millis(ms);
        let (send, told) = mpsc::unbounded_channel();
        let halves = [informed(1, after(5)), begun(1, after(7)), begun(2, after(12)), informed(2, after(14))];
        for half in halves.into_iter().chain([informed(3, after(15)), begun(2, after(16))]) {
            send.send(half).unwrap();
        }
        drop(send);
        let pickups = Pickups::default().collect(told, begin, Duration::from_hours(1), Duration::ZERO).await;
        assert_eq!((pickups.len(), pickups.open()), (2, 1));
        let ms = |ms: u64| Duration::from_millis(ms);
        assert_eq!(pickups.within(&(ms(0)..ms(10))).percentile(100), Some(2.0));
        assert_eq!(pickups.within(&(ms(10)..ms(20))).percentile(100), Some(0.0), "begun before the caller heard");
        assert_eq!(pickups.over_time(ms(10), 99), vec![(0.01, 2.0), (0.02, 0.0)]);
    }
}
