use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// Whether this thread is within an attempt.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic within an attempt came from.
    static LAST: RefCell<Option<Origin>> = const { RefCell::new(None) };
}

struct Origin {
    location: Option<String>,
    backtrace: String,
}

/// A panic of user code, caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic {
    /// What it said, and where.
    pub(crate) message: String,
    /// From where; nothing if somebody has replaced the process's panic hook.
    pub(crate) backtrace: Option<String>,
}

/// Has panics within attempts note where they came from. The hook that was there runs as before, for all panics.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            if INSIDE.get() {
                note(info);
            }
            previous(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string);
    let origin = Origin { location, backtrace: users_frames(&Backtrace::force_capture().to_string()) };
    LAST.with(|last| {
        // Somebody who panics within a panic is not noted.
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Some(origin);
        }
    });
}

/// The frames between the machinery of panics and that of the executor; all, if they cannot be told apart.
fn users_frames(backtrace: &str) -> String {
    let is_head =
        |line: &str| line.trim_start().split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    let mut frames: Vec<String> = Vec::new();
    for line in backtrace.lines() {
        match frames.last_mut() {
            Some(frame) if !is_head(line) => {
                frame.push('\n');
                frame.push_str(line);
            }
            _ => frames.push(line.to_owned()),
        }
    }
    let holds = |frame: &String, names: &[&str]| names.iter().any(|name| frame.contains(name));
    // The standard library marks the end of its own machinery so.
    let raised = frames.iter().position(|frame| holds(frame, &["__rust_end_short_backtrace"])).map_or(0, |at| at + 1);
    let frames = &frames[raised..];
    let start = frames.iter().take_while(|frame| holds(frame, &["rust_begin_unwind", "core::panicking::"])).count();
    let frames = &frames[start..];
    let end = frames.iter().position(|frame| holds(frame, &["panic::guarded"])).unwrap_or(frames.len());
    let catches = |frame: &&String| holds(frame, &["catch_unwind", "__rust_try", "unwind_safe"]);
    let end = end - frames[..end].iter().rev().take_while(catches).count();
    frames[..end].join("\n")
}

/// Runs user code; a panic of it becomes an error.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = pin!(future);
    poll_fn(|cx| match guarded(|| future.as_mut().poll(cx)) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Runs user code; a panic of it becomes an error.
// Its frame is where the user's end.
#[inline(never)]
pub(crate) fn guarded<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    struct Inside(bool);
    impl Drop for Inside {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _inside = Inside(INSIDE.replace(true));
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let origin = LAST.take();
        let said = said(&*payload).to_owned();
        // A payload may panic when it is dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        match origin {
            Some(Origin { location: Some(location), backtrace }) => {
                Panic { message: format!("panicked at {location}: {said}"), backtrace: Some(backtrace) }
            }
            Some(Origin { location: None, backtrace }) => {
                Panic { message: format!("panicked: {said}"), backtrace: Some(backtrace) }
            }
            None => Panic { message: format!("panicked: {said}"), backtrace: None },
        }
    })
}

fn said(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is not text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explode() -> u8 {
        panic!("boom {}", 1 + 1)
    }

    #[tokio::test]
    async fn a_panic_says_what_where_and_from_where() {
        install_hook();
        let panic = caught(async {
            tokio::task::yield_now().await;
            explode()
        })
        .await
        .unwrap_err();
        assert!(panic.message.starts_with("panicked at "), "{}", panic.message);
        assert!(panic.message.contains(file!()) && panic.message.ends_with(": boom 2"), "{}", panic.message);
        let backtrace = panic.backtrace.unwrap();
        assert!(backtrace.lines().next().unwrap().contains("explode"), "{backtrace}");
        assert!(
            !["tokio::runtime", "catch_unwind", "panicking"].iter().any(|name| backtrace.contains(name)),
            "{backtrace}"
        );
    }

    #[tokio::test]
    async fn a_panic_outside_of_an_attempt_is_not_noted() {
        install_hook();
        assert!(catch_unwind(explode).is_err());
        assert!(LAST.take().is_none());
        assert_eq!(caught(async { 1 }).await, Ok(1));
    }

    #[test]
    fn a_value_that_is_not_text_is_a_panic_too() {
        let panic = guarded(|| std::panic::panic_any(7)).unwrap_err();
        assert!(panic.message.ends_with("a value that is not text"), "{}", panic.message);
    }
}
