use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// Waits between repeated tries of something that another session holds up: longer each time, and never two alike.
#[derive(Debug)]
pub struct Backoff {
    deadline: Instant,
    wait: Duration,
}

const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(50);

impl Backoff {
    /// Starts the time that there is for all tries together.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { deadline: now() + limit, wait: FIRST }
    }

    /// Waits before the next try; `false` if there is no time left for one.
    pub async fn again(&mut self) -> bool {
        let now = now();
        if now >= self.deadline {
            return false;
        }
        tokio::time::sleep_until((now + jittered(self.wait)).min(self.deadline)).await;
        self.wait = (self.wait * 2).min(LONGEST);
        true
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long a session that this process does not see keeps on")]
fn now() -> Instant {
    Instant::now()
}

/// Between half of it and all.
fn jittered(wait: Duration) -> Duration {
    // Keys of a hasher are the one source of chance in the standard library; nothing here must be hard to guess.
    let chance = RandomState::new().hash_one(0_u8) % 1024;
    wait / 2 + wait / 2 * u32::try_from(chance).unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tries_end_at_the_deadline() {
        let start = now();
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let mut tries = 0;
        while backoff.again().await {
            tries += 1;
        }
        assert!(start.elapsed() >= Duration::from_secs(1) && start.elapsed() < Duration::from_millis(1010));
        assert!(tries > 10, "{tries}");
    }

    #[test]
    fn a_wait_is_never_less_than_half() {
        for _ in 0..100 {
            let wait = jittered(Duration::from_millis(10));
            assert!((Duration::from_millis(5)..=Duration::from_millis(10)).contains(&wait), "{wait:?}");
        }
    }
}
