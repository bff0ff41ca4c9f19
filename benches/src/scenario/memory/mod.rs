//! Memory and allocations of a client, counted in a process of its own.

mod program;

use std::path::PathBuf;
use std::process::Stdio;

use delta::Client;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{STORES, inform, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

pub use program::{Allocated, program};

/// What a client takes for what it works.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "memory", about: "count what a client allocates and holds", cases, rounds: Some(1) };

/// The program beside this one whose allocations are counted.
const PROGRAM: &str = "delta-allocations";
/// As many as one client may work at once.
const IN_FLIGHT: usize = 10_000;
/// The bytes of each object as JSON.
const BYTES: usize = 560;

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Has all of them worked at the same time.
    InFlight,
    /// Works them off.
    Drain,
}

/// What the program says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Report {
    /// Bytes that are allocated at the end, less those of the beginning; while all are in flight.
    held: f64,
    /// Megabytes of the whole process then.
    rss_mb: f64,
    /// Allocations from start to end, those that only grow included.
    allocations: f64,
    /// Their bytes.
    bytes: f64,
}

fn cases(plan: &Plan) -> Vec<Case> {
    let drained = plan.items;
    let case = |(what, items, name): (What, usize, &str)| {
        let measure =
            move |place: Place| async move { with_type!(place.backend(), |S| run::<S>(&place, what, items).await) };
        Case {
            parameters: parameters([("resources", items.to_string()), ("what", name.to_owned())]),
            subjects: STORES.map(|backend| subject(backend, measure)).into(),
        }
    };
    [(What::InFlight, IN_FLIGHT, "all in flight"), (What::Drain, drained, "drain")].map(case).into()
}

async fn run<S: Open>(place: &Place, what: What, items: usize) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(S::open(place.url()).await?).build()?;
    inform(&client, Item::many(0, items, BYTES)).await?;
    drop(client);
    place.settle().await?;
    let report = spawn(place, what, items).await?;
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    let (items, objects) = (items as f64, (items * BYTES) as f64);
    Ok(match what {
        What::InFlight => vec![
            Measured::new("allocated, less the objects", "MB", (report.held - objects) / 1e6),
            Measured::new("bytes allocated for each, its object included", "bytes", report.held / items),
            Measured::new("memory of the process", "MB", report.rss_mb),
        ],
        What::Drain => vec![
            Measured::new("allocations for each", "allocations", report.allocations / items),
            Measured::new("bytes allocated in all for each", "bytes", report.bytes / items),
        ],
    })
}

/// Runs the program on a database.
async fn spawn(place: &Place, what: What, items: usize) -> Result<Report, Failure> {
    let program = beside()?;
    let what = clap::ValueEnum::to_possible_value(&what).map(|value| value.get_name().to_owned()).unwrap_or_default();
    let output = Command::new(&program)
        .args(["--backend", place.backend().name(), "--url", place.url(), "--what", &what])
        .args(["--items", &items.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        return Err(format!("expected {} to succeed, found {}", program.display(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where the program is: beside this one, or, for a bench of cargo's, above it.
fn beside() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let candidates = own.ancestors().skip(1).take(2).map(|directory| directory.join(PROGRAM));
    let found = candidates.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| {
        format!("expected the program {PROGRAM} beside {}: `cargo build -p delta-benches --bins`", own.display()).into()
    })
}
