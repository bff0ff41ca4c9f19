//! A long run at a steady rate, with a snapshot that somebody holds in the middle of it.

mod informer;
mod pickups;
mod revised;
mod snapshot;
mod tables;

use std::ops::Range;
use std::time::Duration;

use delta::core::plan::Report;
use delta::{Client, Object as _, PgStore};
use tokio::sync::mpsc;

use crate::clock::now;
use crate::failure::Failure;
use crate::scenario::open::Open;
use crate::scenario::prepare::{End, end_all, inform, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::{Backend, Place};
use crate::subject::{Case, Measured, parameters};

use informer::Informer;
use pickups::Pickups;
use revised::{Revised, Worker};

/// One client informs so many changes a second of a fixed population, and another works them with default settings.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "soak", about: "work a steady load for long", cases, rounds: Some(1) };

/// How many objects there are: each changes every 100 s at the usual rate.
const POPULATION: u64 = 50_000;
/// How much is summed up at a time.
const WINDOW: Duration = Duration::from_secs(10);
/// For how long what was informed last is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long, and how much.
#[derive(Clone, Copy, Debug)]
struct Soak {
    length: Duration,
    /// Changes in a second.
    rate: u32,
}

impl Soak {
    /// When the snapshot is held: of an hour, from minute 25 to minute 35.
    fn held(&self) -> Range<Duration> {
        self.length * 25 / 60..self.length * 35 / 60
    }
}

fn cases(plan: &Plan) -> Vec<Case> {
    let Some(length) = plan.soak else { return Vec::new() };
    let soak = Soak { length, rate: plan.rate };
    let measure = move |place: Place| async move { run(PgStore::open(place.url()).await?, &place, soak).await };
    let minutes = format!("{:.1}", length.as_secs_f64() / 60.0);
    vec![Case {
        parameters: parameters([("minutes", minutes), ("resources/s", soak.rate.to_string())]),
        subjects: vec![subject(Backend::SqlxPostgres, measure)],
    }]
}

async fn run<S: Open>(store: S, place: &Place, soak: Soak) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(store.clone()).build()?;
    inform(&client, (0..POPULATION).map(|number| Revised::new(number, 0))).await?;
    end_all(&store, Revised::KIND, &End::Settled(Report::Synced)).await?;
    place.settle().await?;
    let (seen, told) = mpsc::unbounded_channel();
    let other = Client::builder(S::open(place.url()).await?).controller(Worker { seen: seen.clone() }).build()?;
    let running = other.start().await?;
    let begin = now();
    let informer = Informer { client, seen, rate: soak.rate, population: POPULATION };
    let (summary, sizes, held, pickups) = tokio::join!(
        informer.run(begin, soak.length),
        tables::sample(place.url(), begin, soak.length, WINDOW),
        snapshot::hold(place.url(), begin, soak.held()),
        Pickups::default().collect(told, begin, soak.length, PATIENCE),
    );
    running.stop().await;
    held?;
    Ok(measured(soak, &pickups, sizes?, &summary))
}

fn measured(soak: Soak, pickups: &Pickups, sizes: tables::Sizes, informed: &informer::Summary) -> Vec<Measured> {
    let held = soak.held();
    let phases = [
        ("before", WINDOW.min(held.start / 2)..held.start),
        ("during", held.clone()),
        ("after", held.end..soak.length),
    ];
    let mut all = Vec::new();
    for (phase, time) in phases {
        all.extend(pickups.within(&time).measured(&format!("{phase} the snapshot, pick-up ")));
    }
    let throughput = Measured::throughput(pickups.len(), soak.length)
        .note("snapshot held, s", format!("{:.0} to {:.0}", held.start.as_secs_f64(), held.end.as_secs_f64()))
        .note("informed", informed.informed.to_string())
        .note("never begun", pickups.open().to_string())
        .note("failed calls", informed.failures.to_string());
    let mut series: Vec<_> = sizes.into_iter().collect();
    for (share, name) in [(50, "pick-up, ms/p50"), (99, "pick-up, ms/p99")] {
        series.push((name.to_owned(), pickups.over_time(WINDOW, share)));
    }
    for chart in ["pick-up, ms", "dead rows"] {
        let of_chart = series.iter().filter(|(name, _)| name.starts_with(chart));
        let top = of_chart.flat_map(|(_, points)| points).map(|(_, value)| *value).fold(0.0, f64::max);
        series.push((format!("{chart}/snapshot held"), rectangle(&held, top)));
    }
    all.push(series.into_iter().fold(throughput, |throughput, (name, points)| throughput.series(name, points)));
    all
}

/// A time as a line: up, along and down.
fn rectangle(time: &Range<Duration>, top: f64) -> Vec<(f64, f64)> {
    let (start, end) = (time.start.as_secs_f64(), time.end.as_secs_f64());
    vec![(start - 0.01, 0.0), (start, top), (end, top), (end + 0.01, 0.0)]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Soak;

    #[test]
    fn the_snapshot_of_an_hour_is_held_for_ten_minutes() {
        let soak = Soak { length: Duration::from_hours(1), rate: 500 };
        assert_eq!(soak.held(), Duration::from_mins(25)..Duration::from_mins(35));
    }
}
