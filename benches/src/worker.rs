use std::sync::Arc;

use delta::core::Browse;
use delta::{Client, Store};
use tokio::io::AsyncReadExt as _;

use crate::arguments::Worker;
use crate::failure::Failure;
use crate::item::{Idle, Item};
use crate::with_store;

/// What a worker prints when it is ready, and whoever started it waits for.
pub(crate) const READY: &str = "ready";

/// Works a database until the standard input ends: it says that it is ready, and starts at the first line.
pub(crate) async fn work(worker: Worker) -> Result<(), Failure> {
    let url = Arc::<str>::from(worker.url.as_str());
    with_store!(worker.backend, &*url, |store| until_the_end(store, &worker).await)
}

async fn until_the_end<S: Store + Browse>(store: S, worker: &Worker) -> Result<(), Failure> {
    Item::set_parallelism(worker.parallelism);
    let client = Client::builder(store).controller(Idle::default()).build()?;
    let mut input = tokio::io::stdin();
    println!("{READY}");
    let mut byte = [0];
    if input.read(&mut byte).await? > 0 {
        let running = client.start().await?;
        while input.read(&mut byte).await? > 0 {}
        running.stop().await;
    }
    Ok(())
}
