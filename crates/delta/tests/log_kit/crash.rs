//! Futures that are dropped where they wait: what a crash does to them.

use std::pin::pin;
use std::task::Poll;

/// Polls a future at most so often, and drops it then. Where it is waiting at that moment is up to whatever it waits for.
pub(crate) async fn dropped_after<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_future_is_dropped_where_it_waits() {
    let mut steps = 0;
    let future = async {
        for _ in 0..5 {
            steps += 1;
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(dropped_after(3, future).await, None);
    assert_eq!(steps, 3);
    assert_eq!(dropped_after(1, async { 7 }).await, Some(7));
    assert_eq!(dropped_after(0, async { 7 }).await, None);
}
