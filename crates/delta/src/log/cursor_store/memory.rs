use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use delta_core::{Position, Result};
use futures::future::BoxFuture;

use crate::log::cursor_store::{CursorStore, behind};

/// Places in memory, which are gone with it: for tests, and for consumers that begin anew with each process.
///
/// # Examples
///
/// ```
/// # use delta::{CursorStore, MemoryCursors, Position};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), delta::Error> {
/// let cursors = MemoryCursors::new().with("mailer", Position::new(7));
/// assert_eq!(cursors.load("mailer").await?, Some(Position::new(7)));
/// cursors.save("mailer", Position::new(9)).await?;
/// assert!(cursors.save("mailer", Position::new(8)).await.is_err(), "never back");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryCursors(Mutex<BTreeMap<String, Position>>);

impl MemoryCursors {
    /// Without any place.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the place of a consumer.
    #[must_use]
    pub fn with(self, consumer: impl Into<String>, position: Position) -> Self {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(consumer.into(), position);
        self
    }

    fn put(&self, consumer: &str, position: Position) -> Result<()> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match places.get(consumer) {
            Some(stored) if *stored > position => Err(behind(*stored, position)),
            Some(stored) if *stored == position => Ok(()),
            _ => {
                places.insert(consumer.to_owned(), position);
                Ok(())
            }
        }
    }
}

impl CursorStore for MemoryCursors {
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.get(consumer).copied();
        Box::pin(async move { Ok(place) })
    }

    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.put(consumer, position) })
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use delta_core::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn a_place_moves_forwards_and_an_equal_one_does_nothing() {
        let cursors = MemoryCursors::new();
        assert_eq!(cursors.load("a").await.unwrap(), None);
        for position in [3, 9, 9, 10] {
            cursors.save("a", Position::new(position)).await.unwrap();
        }
        let error = cursors.save("a", Position::new(9)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("expected position 10 or a later one, found 9"), "{error}");
        assert_eq!(cursors.load("a").await.unwrap(), Some(Position::new(10)));
        assert_eq!(cursors.load("b").await.unwrap(), None, "each has its own");
    }
}
