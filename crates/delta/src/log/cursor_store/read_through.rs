use delta_core::{Position, Result};
use futures::future::BoxFuture;

use crate::log::cursor_store::CursorStore;

/// Places in one store that begin where another has them: how consumers move from one to the other.
///
/// What the first has counts. Where it has nothing, the place is copied from the fallback when it is first asked for; the
/// fallback itself is never written.
///
/// # Assumptions
///
/// Nobody moves the place in the fallback any more.
#[derive(Debug)]
pub struct ReadThrough<C, F> {
    cursors: C,
    fallback: F,
}

impl<C: CursorStore, F: CursorStore> ReadThrough<C, F> {
    /// Keeps places in `cursors`, and begins at those of `fallback`.
    #[must_use]
    pub fn new(cursors: C, fallback: F) -> Self {
        Self { cursors, fallback }
    }
}

impl<C: CursorStore, F: CursorStore> CursorStore for ReadThrough<C, F> {
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>> {
        Box::pin(async move {
            if let Some(place) = self.cursors.load(consumer).await? {
                return Ok(Some(place));
            }
            let Some(place) = self.fallback.load(consumer).await? else { return Ok(None) };
            self.cursors.save(consumer, place).await?;
            Ok(Some(place))
        })
    }

    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>> {
        self.cursors.save(consumer, position)
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        self.cursors.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::log::cursor_store::MemoryCursors;
    use crate::log::cursor_store::fake::Flaky;

    #[tokio::test]
    async fn a_place_is_copied_from_the_fallback_once() {
        let new = Arc::new(MemoryCursors::new());
        let old = Arc::new(MemoryCursors::new().with("a", Position::new(5)));
        let both = ReadThrough::new(new.clone(), old.clone());
        assert_eq!(both.load("a").await.unwrap(), Some(Position::new(5)));
        assert_eq!(new.load("a").await.unwrap(), Some(Position::new(5)), "copied");
        both.save("a", Position::new(6)).await.unwrap();
        assert_eq!(both.load("a").await.unwrap(), Some(Position::new(6)));
        assert_eq!(old.load("a").await.unwrap(), Some(Position::new(5)), "never written");
        assert_eq!(both.load("b").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_place_that_could_not_be_copied_is_not_given_out() {
        let new = Arc::new(Flaky::default());
        let both = ReadThrough::new(new.clone(), MemoryCursors::new().with("a", Position::new(5)));
        new.fail(true);
        assert!(both.load("a").await.is_err());
        new.fail(false);
        assert_eq!(both.load("a").await.unwrap(), Some(Position::new(5)));
        assert_eq!(new.load("a").await.unwrap(), Some(Position::new(5)));
    }
}
