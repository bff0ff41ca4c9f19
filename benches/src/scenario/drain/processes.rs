use std::process::Stdio;
use std::time::Duration;

use delta::core::Browse;
use delta::{Client, Store};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use super::Drain;
use crate::clock::now;
use crate::failure::Failure;
use crate::item::Item;
use crate::measure::Meter;
use crate::scenario::prepare::inform;
use crate::server::{Place, Watch};
use crate::subject::Measured;
use crate::worker::READY;

/// How often the database is asked whether all is done.
const EACH: Duration = Duration::from_millis(2);

/// Informs, and has several processes drain.
pub(super) async fn run<S: Store + Browse>(store: S, place: &Place, drain: Drain) -> Result<Vec<Measured>, Failure> {
    inform(&Client::builder(store.clone()).build()?, Item::many(0, drain.items, drain.bytes)).await?;
    place.settle().await?;
    let mut workers = Vec::with_capacity(drain.processes);
    for _ in 0..drain.processes {
        workers.push(spawn(place, drain).await?);
    }
    let mut meter = Meter::start(place).await?;
    let mut watch = Watch::start(place).await?;
    let start = now();
    for worker in &mut workers {
        worker.stdin.as_mut().ok_or("a worker without an input")?.write_all(b"\n").await?;
    }
    let end = watch.settled(drain.items, &store, EACH).await?;
    for mut worker in workers {
        drop(worker.stdin.take());
        let status = worker.wait().await?;
        if !status.success() {
            return Err(format!("expected a worker to end well, found {status}").into());
        }
    }
    meter.finish().await?;
    drop(store);
    Ok(vec![Measured::throughput(drain.items, end - start).usage(meter.usage(drain.items).await?)])
}

/// Starts this program as a worker, and waits until it is ready.
async fn spawn(place: &Place, drain: Drain) -> Result<Child, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["worker", "--backend", place.backend().name(), "--url", place.url()]);
    if let Some(parallelism) = drain.parallelism {
        command.args(["--parallelism", &parallelism.to_string()]);
    }
    let mut worker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(worker.stdout.take().ok_or("a worker without an output")?).lines();
    match lines.next_line().await? {
        Some(line) if line == READY => Ok(worker),
        line => Err(format!("expected a worker to say \"{READY}\", found {line:?}").into()),
    }
}
