use std::future::Future;
use std::pin::pin;

use rustix::process::{Signal, getpid, kill_process};

use super::crash_point::Side;

/// Begins a call as far as the side says, and kills this process there.
pub(super) async fn kill_at<T>(side: Side, call: impl Future<Output = T> + Send) -> T {
    let mut call = pin!(call);
    match side {
        Side::Before => {}
        Side::Middle { polls } => {
            for _ in 0..polls {
                if futures::poll!(call.as_mut()).is_ready() {
                    break;
                }
                // Whatever the call waits for gets its turn between two polls.
                tokio::task::yield_now().await;
            }
        }
        Side::After => drop(call.as_mut().await),
    }
    // Here, so that the call is not dropped first: a connection in use would say goodbye to its server.
    kill()
}

/// `kill -9` of this process by itself: nothing is unwound, nothing is dropped, nothing is flushed.
fn kill() -> ! {
    // It cannot fail for a process's own number; if it did, the process would hang, and whoever waits for it would tell.
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
