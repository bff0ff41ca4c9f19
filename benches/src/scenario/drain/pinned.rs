use delta::core::Browse;
use delta::{Client, Store};
use sqlx::{Connection as _, PgConnection};

use super::{Drain, run};
use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::prepare::inform;
use crate::server::{Place, Watch};
use crate::subject::Measured;

/// Informs and drains again and again, while somebody's transaction keeps a snapshot from before the first.
pub(super) async fn run<S: Store + Browse>(
    store: S,
    place: &Place,
    drain: Drain,
    cycles: usize,
) -> Result<Vec<Measured>, Failure> {
    let mut pin = PgConnection::connect(place.url()).await?;
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ").execute(&mut pin).await?;
    sqlx::query("SELECT count(*) FROM delta.resource").execute(&mut pin).await?;
    let client = Client::builder(store.clone()).build()?;
    let mut rates = Vec::with_capacity(cycles);
    for cycle in 1..=cycles {
        let text = cycle.to_string().repeat(drain.bytes.max(2) - 1);
        let changed = Item::many(0, drain.items, drain.bytes).map(|mut item| {
            let length = item.payload.len();
            item.payload.clear();
            item.payload.push_str(&text[..length.min(text.len())]);
            item
        });
        inform(&client, changed).await?;
        place.settle().await?;
        let time = run::one(&store, drain, &mut Watch::start(place).await?).await?;
        rates.push(Measured::throughput(drain.items, time).value);
    }
    sqlx::query("ROLLBACK").execute(&mut pin).await?;
    pin.close().await?;
    let kept = rates[cycles - 1] / rates[0];
    let cycles = rates.into_iter().enumerate();
    let mut measured: Vec<Measured> =
        cycles.map(|(number, rate)| Measured::new(format!("cycle {}", number + 1), "items/s", rate)).collect();
    measured.push(Measured::new("last of first", "ratio", kept));
    Ok(measured)
}
