use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use delta_testkit::sim::Progress;

/// How often a line is written where nobody watches.
const LINE: Duration = Duration::from_secs(10);
/// How often the line of a terminal is.
const REFRESH: Duration = Duration::from_millis(200);

/// Shows on stderr how far a search has come: one line that changes on a terminal, a line now and then elsewhere.
pub(crate) struct Meter {
    began: Instant,
    shown: Option<Instant>,
    is_terminal: bool,
    done: u64,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self { began: now(), shown: None, is_terminal: std::io::stderr().is_terminal(), done: 0 }
    }

    pub(crate) fn tell(&mut self, progress: &Progress) {
        self.done = progress.done;
        let time = now();
        let every = if self.is_terminal { REFRESH } else { LINE };
        if self.shown.is_some_and(|shown| time - shown < every) && progress.done < progress.all {
            return;
        }
        self.shown = Some(time);
        let Progress { done, all, failed } = *progress;
        let rate = self.per_second();
        let left = (time - self.began).as_secs() * (all - done) / done.max(1);
        let text = format!("{done} of {all} seeds, {failed} failed, {rate:.1} a second, {left} s left");
        if self.is_terminal { eprint!("\r\x1b[2K{text}") } else { eprintln!("{text}") }
    }

    /// Leaves the line as it is.
    pub(crate) fn end(&self) {
        if self.is_terminal {
            eprintln!();
        }
    }

    pub(crate) fn rate(&self) -> String {
        format!("{} seeds in {:.1} s, {:.1} a second", self.done, (now() - self.began).as_secs_f64(), self.per_second())
    }

    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    fn per_second(&self) -> f64 {
        self.done as f64 / (now() - self.began).as_secs_f64().max(0.001)
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a search takes is shown, not decided by")]
fn now() -> Instant {
    Instant::now()
}
