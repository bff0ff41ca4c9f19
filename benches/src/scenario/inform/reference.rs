use sqlx::{Connection as _, PgConnection};

use super::{Inform, Known};
use crate::failure::Failure;
use crate::limit::{Script, load_reference, pgbench};
use crate::measure::Meter;
use crate::server::{Backend, Place, Postgres, World};
use crate::subject::Measured;

const INFORM: &str = include_str!("../../../statements/inform.sql");

/// Has `pgbench` inform of as many objects in the reference's tables, by one connection.
pub(super) async fn run(world: &World, inform: Inform) -> Result<Vec<Measured>, Failure> {
    let place = Place::create(world, Backend::SqlxPostgres).await?;
    let synced = if inform.known == Known::New { 0 } else { inform.items };
    load_reference(place.url(), 0, synced, inform.bytes).await?;
    let mut conn = PgConnection::connect(place.url()).await?;
    let [stored, other] = ["00", "01"].map(|byte| format!("\\x{}", byte.repeat(32)));
    let informed = if inform.known == Known::Changed { other } else { stored.clone() };
    let objects = inform.objects();
    let object = objects.first().map(serde_json::to_string).transpose()?.unwrap_or_default();
    sqlx::query("UPDATE resource SET hash = $1::bytea").bind(stored).execute(&mut conn).await?;
    // They are too long for the command line of `pgbench`.
    sqlx::query("CREATE TABLE given (hashes text, objects text)").execute(&mut conn).await?;
    sqlx::query(
        "INSERT INTO given SELECT array_fill($1::bytea, ARRAY[$3])::text, array_fill($2::text, ARRAY[$3])::text",
    )
    .bind(informed)
    .bind(object)
    .bind(i32::try_from(inform.batch)?)
    .execute(&mut conn)
    .await?;
    conn.close().await?;
    Postgres::settle(place.url()).await?;
    let mut meter = Meter::start_postgres(place.url()).await?;
    let calls = inform.items / inform.batch;
    let time = pgbench(place.url(), &script(inform.batch), 1, calls).await?;
    meter.finish().await?;
    Ok(vec![Measured::throughput(calls * inform.batch, time).usage(meter.usage(inform.items).await?)])
}

fn script(batch: usize) -> Script {
    let begin = "\\if :begun\n\\set base :base + :batch\n\\else\nSELECT hashes, objects FROM given \\gset\n\\set begun 1\n\\endif\n";
    let variables = [("begun", "0".to_owned()), ("base", "0".to_owned()), ("batch", batch.to_string())];
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Script { text: format!("{begin}{INFORM}"), variables }
}
