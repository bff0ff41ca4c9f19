use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::time::Instant;

use crate::clock::{instant, sleep_until};

/// What a pull source gave: an item and the text by which it goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled<T> {
    /// Where the source goes on; only it knows what that means.
    pub cursor: String,
    /// What it gave.
    pub item: T,
}

impl<T> Polled<T> {
    /// An item with its cursor.
    pub fn new(cursor: impl Into<String>, item: T) -> Self {
        Self { cursor: cursor.into(), item }
    }
}

/// Makes a stream of a source that is asked for the next items after a cursor: a list of an API, files in a bucket.
///
/// # Guarantees
///
/// - Items are given out one by one in the order of the source. The source is asked again only when all are given out, with
///   the cursor of the last one.
/// - When it had nothing, or failed, it is asked again after the back-off: 1 min, unless another is set. While it has
///   something it is asked without a pause.
/// - An error is given out as it is and ends nothing.
///
/// # Examples
///
/// ```
/// use delta::{Polled, Poller};
/// use futures::StreamExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let poller = Poller::new(|after: Option<String>| async move {
///     let from = after.map_or(0, |after| after.parse().unwrap_or(0));
///     Ok::<_, std::convert::Infallible>((from + 1..=from + 2).map(|number| Polled::new(number.to_string(), number)).collect::<Vec<_>>())
/// });
/// let mut stream = Box::pin(poller.after("4").into_stream());
/// let first = stream.next().await.unwrap()?;
/// assert_eq!((first.cursor.as_str(), first.item), ("5", 5));
/// # Ok(())
/// # }
/// ```
pub struct Poller<F, T> {
    source: F,
    cursor: Option<String>,
    backoff: Duration,
    ready: VecDeque<Polled<T>>,
    not_before: Option<Instant>,
}

impl<F, R, T, X> Poller<F, T>
where
    F: FnMut(Option<String>) -> R,
    R: Future<Output = Result<Vec<Polled<T>>, X>>,
{
    /// How long a source that had nothing is left alone: 1 min.
    pub const BACKOFF: Duration = Duration::from_mins(1);

    /// Asks a source, which is given the last cursor (`None` at first) and gives the items after it in order, none if there
    /// is nothing yet.
    pub fn new(source: F) -> Self {
        Self { source, cursor: None, backoff: Self::BACKOFF, ready: VecDeque::new(), not_before: None }
    }

    /// Begins after a cursor; at the source's beginning by default.
    #[must_use]
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// How long to leave the source alone when it had nothing or failed; 1 min by default.
    #[must_use]
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.backoff = backoff;
        self
    }

    /// The cursor of the last item that was given out, or the one to begin after.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The next item; waits until there is one.
    ///
    /// # Errors
    ///
    /// Those of the source. The next call asks it again, after the back-off.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped, as long as the source loses nothing when its own is.
    pub async fn next(&mut self) -> Result<Polled<T>, X> {
        loop {
            if let Some(polled) = self.ready.pop_front() {
                self.cursor = Some(polled.cursor.clone());
                return Ok(polled);
            }
            if let Some(time) = self.not_before {
                sleep_until(time).await;
            }
            let found = (self.source)(self.cursor.clone()).await;
            let rests = !matches!(&found, Ok(items) if !items.is_empty());
            self.not_before = rests.then(|| instant() + self.backoff);
            self.ready = found?.into();
        }
    }

    /// All items, without an end.
    pub fn into_stream(self) -> impl Stream<Item = Result<Polled<T>, X>> {
        stream::unfold(self, |mut poller| async move { Some((poller.next().await, poller)) })
    }
}

impl<F, T> fmt::Debug for Poller<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller")
            .field("cursor", &self.cursor)
            .field("backoff", &self.backoff)
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    type Answers = Arc<Mutex<VecDeque<Result<Vec<Polled<u32>>, &'static str>>>>;
    type Answer = std::future::Ready<Result<Vec<Polled<u32>>, &'static str>>;
    type Asked = Arc<Mutex<Vec<(Option<String>, Duration)>>>;

    /// Answers in turn, and notes after which cursor and when it was asked; ends the test's patience when it has no more.
    fn source(
        answers: impl IntoIterator<Item = Result<Vec<Polled<u32>>, &'static str>>,
    ) -> (impl FnMut(Option<String>) -> Answer, Asked) {
        let answers: Answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        let asked = Asked::default();
        let (noted, start) = (asked.clone(), instant());
        let source = move |after| {
            noted.lock().unwrap().push((after, instant() - start));
            std::future::ready(answers.lock().unwrap().pop_front().unwrap_or(Err("no more")))
        };
        (source, asked)
    }

    fn items(numbers: impl IntoIterator<Item = u32>) -> Vec<Polled<u32>> {
        numbers.into_iter().map(|number| Polled::new(format!("c{number}"), number)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_source_is_asked_after_the_last_item_that_was_given_out() {
        let (source, asked) = source([Ok(items([1, 2])), Ok(items([3]))]);
        let mut poller = Poller::new(source).after("c0");
        for number in 1..=3 {
            let before = format!("c{}", number - 1);
            assert_eq!(poller.cursor(), Some(before.as_str()));
            assert_eq!(poller.next().await.unwrap().item, number);
        }
        let after: Vec<_> = asked.lock().unwrap().iter().map(|(after, when)| (after.clone(), *when)).collect();
        assert_eq!(after, [(Some("c0".into()), Duration::ZERO), (Some("c2".into()), Duration::ZERO)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_has_nothing_is_left_alone_for_a_minute() {
        let (source, asked) = source([Ok(vec![]), Ok(vec![]), Ok(items([1])), Ok(items([2]))]);
        let mut poller = Poller::new(source);
        assert_eq!(poller.next().await.unwrap().item, 1);
        assert_eq!(poller.next().await.unwrap().item, 2);
        let when: Vec<Duration> = asked.lock().unwrap().iter().map(|asked| asked.1).collect();
        assert_eq!(when, [Duration::ZERO, MINUTE, 2 * MINUTE, 2 * MINUTE]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_given_out_and_the_source_is_asked_again_after_the_back_off() {
        let (source, asked) = source([Err("down"), Ok(items([1]))]);
        let mut poller = Poller::new(source).backoff(Duration::from_secs(5));
        assert_eq!(poller.next().await.unwrap_err(), "down");
        assert_eq!(poller.next().await.unwrap().item, 1);
        assert_eq!(asked.lock().unwrap()[1], (None, Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_loses_nothing_and_does_not_shorten_the_pause() {
        let (source, asked) = source([Ok(vec![]), Ok(items([1, 2]))]);
        let mut poller = Poller::new(source);
        for _ in 0..10 {
            assert!(tokio::time::timeout(Duration::from_secs(1), poller.next()).await.is_err());
        }
        assert_eq!(poller.next().await.unwrap().item, 1);
        assert_eq!(poller.next().await.unwrap().item, 2);
        assert_eq!(asked.lock().unwrap()[1].1, MINUTE);
    }
}
