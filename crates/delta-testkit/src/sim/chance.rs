use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// Where everything random of a simulation comes from: a draw is a hash of the seed and of what it is for, so that leaving one
/// thing out of a run does not change what the others draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    seed: u64,
}

impl Chance {
    /// Everything that follows from this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed.
    #[must_use]
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// The `number`th draw that `who` makes for `what`.
    #[must_use]
    pub fn draw(self, who: &str, what: &str, number: u64) -> Draw {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        for text in [who, what] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(number.to_le_bytes());
        let mut block = [0; 32];
        block.copy_from_slice(&hash.finalize());
        Draw { block, used: 0 }
    }
}

/// Any number of random numbers that belong together.
#[derive(Clone, Debug)]
pub struct Draw {
    block: [u8; 32],
    used: usize,
}

impl Draw {
    /// Any number.
    pub fn bits(&mut self) -> u64 {
        if self.used == self.block.len() {
            let next = Sha256::digest(self.block);
            self.block.copy_from_slice(&next);
            self.used = 0;
        }
        let mut number = [0; 8];
        number.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(number)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits().checked_rem(end).unwrap_or(0)
    }

    /// Whether something happens that does so `per_mille` times of a thousand.
    pub fn happens(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// A duration below `most`, in whole milliseconds.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(most.as_millis()).unwrap_or(u64::MAX)))
    }

    /// One of these, each as likely.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_the_same_whatever_else_was_drawn() {
        let chance = Chance::new(7);
        let first: Vec<u64> = std::iter::repeat_with({
            let mut draw = chance.draw("p1", "commit", 3);
            move || draw.bits()
        })
        .take(9)
        .collect();
        let _ = chance.draw("p1", "commit", 2).bits();
        let mut again = chance.draw("p1", "commit", 3);
        assert!(first.iter().all(|&number| number == again.bits()));
        assert_ne!(first[0], chance.draw("p1", "commit", 4).bits());
        assert_ne!(first[0], chance.draw("p", "1commit", 3).bits());
        assert_ne!(first[0], Chance::new(8).draw("p1", "commit", 3).bits());
        assert_ne!(first[4], first[0], "the next block is another one");
    }
}
