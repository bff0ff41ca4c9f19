use std::time::Duration;

use delta_core::Invalid;

/// When a batch is complete: by size or by age, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub(crate) size: usize,
    pub(crate) age: Duration,
}

impl Default for Batch {
    fn default() -> Self {
        Self { size: 100, age: Duration::from_secs(1) }
    }
}

impl Batch {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many events; 100 by default.
    #[must_use]
    pub fn size(mut self, events: usize) -> Self {
        self.size = events;
        self
    }

    /// How long the first event of a batch waits for others; 1 s by default, counted from when this process read it.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        if self.size == 0 {
            return Err(Invalid::new("batch size", "at least 1", "0"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_a_hundred_events_or_a_second_by_default() {
        assert_eq!(Batch::new(), Batch::new().size(100).age(Duration::from_secs(1)));
        assert!(Batch::new().check().is_ok());
        assert_eq!(Batch::new().size(0).check().unwrap_err().field(), "batch size");
    }
}
