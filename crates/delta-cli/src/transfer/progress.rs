use indicatif::{ProgressBar, ProgressStyle};

/// Shows on a terminal how far it is; on anything else, nothing.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, lines: u64) -> Self {
        let bar = ProgressBar::new(lines);
        let style = ProgressStyle::with_template("{msg:>9} {bar:40} {pos}/{len} records, {per_sec}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    pub(crate) fn add(&self, lines: u64) {
        self.0.inc(lines);
        if self.0.length().is_some_and(|length| length < self.0.position()) {
            self.0.set_length(self.0.position());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
