use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta_core::{LeaseToken, ResourceId};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Why an attempt is ended before its work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Somebody asked for it.
    Cancelled,
    /// Its lease is no longer held.
    Lost,
    /// Its lease could not be renewed in time.
    NotRenewed,
    /// The client stops, and the grace time is over.
    Stopped,
}

/// An attempt that is claimed and not yet settled.
struct Attempt {
    id: ResourceId,
    /// When the lease ends, on this process's monotonic clock.
    lease_end: Instant,
    renew_at: Instant,
    /// Ends the work; gone once it is used, or the work is done.
    ending: Option<oneshot::Sender<Ending>>,
}

/// All attempts that this client has claimed and not yet settled, with their leases.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<BTreeMap<LeaseToken, Attempt>>);

/// A lease to renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) id: ResourceId,
    pub(crate) token: LeaseToken,
}

impl InFlight {
    fn attempts(&self) -> MutexGuard<'_, BTreeMap<LeaseToken, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes attempts of one claim; each gets what will end it.
    pub(crate) fn begin(
        &self,
        leases: impl IntoIterator<Item = Due>,
        lease_end: Instant,
        renew_at: Instant,
    ) -> Vec<oneshot::Receiver<Ending>> {
        let mut attempts = self.attempts();
        let begin = |Due { id, token }| {
            let (sender, receiver) = oneshot::channel();
            attempts.insert(token, Attempt { id, lease_end, renew_at, ending: Some(sender) });
            receiver
        };
        leases.into_iter().map(begin).collect()
    }

    /// Forgets attempts that are settled, or lost.
    pub(crate) fn forget(&self, tokens: impl IntoIterator<Item = LeaseToken>) {
        let mut attempts = self.attempts();
        for token in tokens {
            attempts.remove(&token);
        }
    }

    /// Ends the work of an attempt, if it still runs. Says whether it did.
    pub(crate) fn end(&self, token: LeaseToken, ending: Ending) -> bool {
        let sender = self.attempts().get_mut(&token).and_then(|attempt| attempt.ending.take());
        sender.is_some_and(|sender| sender.send(ending).is_ok())
    }

    /// Ends the work of all attempts.
    pub(crate) fn end_all(&self, ending: Ending) {
        for sender in self.attempts().values_mut().filter_map(|attempt| attempt.ending.take()) {
            // Its work is done already.
            let _ = sender.send(ending);
        }
    }

    /// Ends the work of those attempts whose lease ends within `margin`. Says of how many.
    pub(crate) fn end_overdue(&self, now: Instant, margin: Duration) -> usize {
        let mut attempts = self.attempts();
        let overdue = attempts.values_mut().filter(|attempt| attempt.lease_end <= now + margin);
        overdue
            .filter_map(|attempt| attempt.ending.take())
            .filter_map(|sender| sender.send(Ending::NotRenewed).ok())
            .count()
    }

    /// The leases that are due for renewal, by the id of their resource.
    ///
    /// A resource that was lost and is claimed again may have two, while its first attempt waits to be settled. Only the newer
    /// one can be renewed, and both in one changeset would be refused together with all others.
    pub(crate) fn due(&self, now: Instant) -> Vec<Due> {
        let attempts = self.attempts();
        let due = attempts.iter().filter(|(_, attempt)| attempt.renew_at <= now);
        let mut due: Vec<(Due, Instant)> =
            due.map(|(token, attempt)| (Due { id: attempt.id, token: *token }, attempt.lease_end)).collect();
        due.sort_by_key(|(due, lease_end)| (due.id, Reverse(*lease_end)));
        due.dedup_by_key(|(due, _)| due.id);
        due.into_iter().map(|(due, _)| due).collect()
    }

    /// Notes that a lease was renewed.
    pub(crate) fn renewed(&self, token: LeaseToken, lease_end: Instant, renew_at: Instant) {
        if let Some(attempt) = self.attempts().get_mut(&token) {
            attempt.lease_end = lease_end;
            attempt.renew_at = renew_at;
        }
    }

    /// When the first of the leases ends; `None` if there is none.
    pub(crate) fn first_end(&self) -> Option<Instant> {
        self.attempts().values().map(|attempt| attempt.lease_end).min()
    }

    /// Whether a lease has ended, or is forgotten.
    pub(crate) fn is_over(&self, token: LeaseToken, now: Instant) -> bool {
        self.attempts().get(&token).is_none_or(|attempt| attempt.lease_end <= now)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.attempts().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::instant;

    const LEASE: Duration = Duration::from_mins(1);
    const INTERVAL: Duration = Duration::from_secs(20);

    fn due(number: i64) -> Due {
        Due { id: ResourceId::new(number), token: LeaseToken::new(100 + number) }
    }

    #[tokio::test]
    async fn leases_are_due_for_renewal_until_they_are_renewed() {
        let in_flight = InFlight::default();
        let start = instant();
        let _endings = in_flight.begin([due(2), due(1)], start + LEASE, start + INTERVAL);
        assert_eq!(in_flight.due(start), []);
        assert_eq!(in_flight.due(start + INTERVAL), [due(1), due(2)]);
        in_flight.renewed(due(1).token, start + INTERVAL + LEASE, start + 2 * INTERVAL);
        assert_eq!(in_flight.due(start + INTERVAL), [due(2)]);
        assert_eq!(in_flight.first_end(), Some(start + LEASE));
        in_flight.forget([due(2).token]);
        assert_eq!((in_flight.first_end(), in_flight.len()), (Some(start + INTERVAL + LEASE), 1));
    }

    #[tokio::test]
    async fn of_two_leases_of_one_resource_only_the_newer_is_renewed() {
        for tokens in [[1, 2], [2, 1]] {
            let in_flight = InFlight::default();
            let start = instant();
            let [older, newer] = tokens.map(|token| Due { id: ResourceId::new(7), token: LeaseToken::new(token) });
            let _lost = in_flight.begin([older], start + LEASE, start + INTERVAL);
            let _held = in_flight.begin([newer, due(8)], start + 2 * LEASE, start + INTERVAL);
            assert_eq!(in_flight.due(start + INTERVAL), [newer, due(8)]);
        }
    }

    #[tokio::test]
    async fn an_attempt_is_ended_once_and_only_while_it_runs() {
        let in_flight = InFlight::default();
        let start = instant();
        let mut endings = in_flight.begin([due(1), due(2), due(3)], start + LEASE, start + INTERVAL);
        assert!(in_flight.end(due(1).token, Ending::Cancelled));
        assert!(!in_flight.end(due(1).token, Ending::Lost));
        assert_eq!(endings.remove(0).await, Ok(Ending::Cancelled));
        drop(endings.remove(0));
        assert!(!in_flight.end(due(2).token, Ending::Lost));
        in_flight.end_all(Ending::Stopped);
        assert_eq!(endings.remove(0).await, Ok(Ending::Stopped));
    }

    #[tokio::test]
    async fn an_attempt_is_ended_a_margin_before_its_lease() {
        let in_flight = InFlight::default();
        let start = instant();
        let mut endings = in_flight.begin([due(1)], start + LEASE, start + INTERVAL);
        assert_eq!(in_flight.end_overdue(start + LEASE - INTERVAL - Duration::from_millis(1), INTERVAL), 0);
        assert_eq!(in_flight.end_overdue(start + LEASE - INTERVAL, INTERVAL), 1);
        assert!(!in_flight.is_over(due(1).token, start + LEASE - Duration::from_millis(1)));
        assert!(in_flight.is_over(due(1).token, start + LEASE));
        assert!(in_flight.is_over(due(2).token, start));
        assert_eq!(endings.remove(0).await, Ok(Ending::NotRenewed));
    }
}
