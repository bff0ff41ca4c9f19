use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use delta::{AnyClient, Error, Filter, State};
use delta_examples::Stopwatch;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::report::{Counts, Report};

/// The progress bar: how many resources are in which state, and how fast files are copied.
pub(crate) struct Progress<'a> {
    client: &'a AnyClient,
    filter: &'a Filter,
    report: &'a Report,
    bar: ProgressBar,
    since: Stopwatch,
    last: Cell<(Duration, Counts)>,
    rates: Cell<(f64, f64)>,
}

/// How many resources are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct States(BTreeMap<State, u64>);

/// Rates are taken over at least this long.
const SAMPLE: f64 = 1.0;

impl<'a> Progress<'a> {
    pub(crate) fn new(client: &'a AnyClient, filter: &'a Filter, report: &'a Report) -> Self {
        let bar = ProgressBar::new(0);
        let template = "{bar:30} {pos}/{len} {elapsed} {wide_msg}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let last = Cell::new((Duration::ZERO, Counts::default()));
        Self { client, filter, report, bar, since: Stopwatch::start(), last, rates: Cell::default() }
    }

    /// Draws the bar, and tells the states.
    pub(crate) async fn draw(&self) -> Result<States, Error> {
        let states = States::count(self.client, self.filter).await?;
        let (files, bytes) = self.measure();
        let done = states.get(&State::Synced) + states.get(&State::Degraded);
        self.bar.set_length(states.total() - states.get(&State::Deleted));
        self.bar.set_position(done);
        self.bar.set_message(format!("{states}, {files:.0} files/s, {}/s", HumanBytes(bytes)));
        Ok(states)
    }

    /// Says a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates to look at"
    )]
    fn measure(&self) -> (f64, u64) {
        let (now, counts) = (self.since.elapsed(), self.report.counts());
        let (then, before) = self.last.get();
        let elapsed = now.saturating_sub(then).as_secs_f64();
        if elapsed >= SAMPLE {
            let files = (counts.copied - before.copied) as f64 / elapsed;
            let bytes = (counts.bytes - before.bytes) as f64 / elapsed;
            self.rates.set((files, bytes));
            self.last.set((now, counts));
        }
        let (files, bytes) = self.rates.get();
        (files, bytes as u64)
    }
}

impl States {
    pub(crate) async fn count(client: &AnyClient, filter: &Filter) -> Result<Self, Error> {
        let mut states = BTreeMap::new();
        for count in client.count(filter).await? {
            *states.entry(count.state).or_default() += count.count;
        }
        Ok(Self(states))
    }

    pub(crate) fn get(&self, state: &State) -> u64 {
        self.0.get(state).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Whether anything waits for a worker, or has one.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.keys().any(|state| state.is_claimable() || *state == State::Pending)
    }
}

impl std::fmt::Display for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts: Vec<String> = self.0.iter().map(|(state, count)| format!("{count} {state}")).collect();
        f.write_str(&counts.join(", "))
    }
}
