//! What every engine is given to work on.

use serde::{Deserialize, Serialize};

/// One item: its JSON is of the size asked for, whatever the engine adds around it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Item {
    payload: String,
}

impl Item {
    /// Length of the JSON around the payload.
    const FRAME: usize = r#"{"payload":""}"#.len();

    /// Makes `count` different items whose JSON has `bytes` bytes each, at least those of an empty payload.
    ///
    /// The payload is hexadecimal noise of a fixed seed: the same in each run, and nothing that a column's
    /// compression could shrink to nothing.
    pub(crate) fn many(count: usize, bytes: usize) -> Vec<Self> {
        let mut noise = Noise::new();
        let length = bytes.saturating_sub(Self::FRAME);
        (0..count).map(|_| Self { payload: noise.hexadecimal(length) }).collect()
    }
}

/// A xorshift generator: noise that repeats from run to run.
#[derive(Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    /// Starts at the fixed seed.
    pub(crate) fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn hexadecimal(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            let digits = self.next().to_le_bytes();
            text.extend(
                digits
                    .iter()
                    .flat_map(|byte| [byte >> 4, byte & 15])
                    .filter_map(|digit| char::from_digit(digit.into(), 16)),
            );
        }
        text.truncate(length);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_of_an_item_has_the_bytes_asked_for() {
        for bytes in [14, 15, 560, 16_384] {
            let items = Item::many(2, bytes);
            assert_eq!(serde_json::to_string(&items[1]).unwrap().len(), bytes);
        }
    }

    #[test]
    fn no_two_items_are_alike() {
        let items = Item::many(2, 560);
        assert_ne!(items[0].payload, items[1].payload);
    }
}
