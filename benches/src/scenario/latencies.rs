use std::time::Duration;

use crate::subject::Measured;

/// Times of the same thing, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    ms: Vec<f64>,
}

impl Latencies {
    pub(super) fn push(&mut self, time: Duration) {
        self.ms.push(time.as_secs_f64() * 1_000.0);
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.ms.extend(other.ms);
    }

    pub(super) fn len(&self) -> usize {
        self.ms.len()
    }

    /// The time in milliseconds that so many of a hundred are not above; none of none.
    pub(super) fn percentile(&self, share: usize) -> Option<f64> {
        let mut sorted = self.ms.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1))).copied()
    }

    /// Half of them, and nearly all, each under a name that begins with this.
    pub(super) fn measured(&self, name: &str) -> impl Iterator<Item = Measured> {
        let figure = |share: usize| Some(Measured::new(format!("{name}p{share}"), "ms", self.percentile(share)?));
        [50, 99].map(figure).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latencies;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        for ms in (1..=100).rev() {
            latencies.push(Duration::from_millis(ms));
        }
        assert_eq!((latencies.percentile(50), latencies.percentile(99)), (Some(51.0), Some(100.0)));
        assert_eq!(latencies.percentile(100), Some(100.0));
        assert_eq!(latencies.measured("idle ").map(|one| one.metric).collect::<Vec<_>>(), ["idle p50", "idle p99"]);
    }
}
