use std::sync::Arc;

use delta::core::Target;
use delta::{Client, Migrate as _, PgStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{pgbench, reference};
use crate::failure::Failure;
use crate::item::Item;
use crate::measure::Meter;
use crate::scenario::drain::{self as scenario, beside};
use crate::scenario::prepare::inform;
use crate::server::{Backend, Place, Postgres, World};
use crate::subject::{LIMIT_OWN, LIMIT_REFERENCE, Measured};

/// Whose statements are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Ours.
    Own,
    /// The reference.
    Reference,
}

impl Whose {
    pub(crate) fn subject(self) -> &'static str {
        match self {
            Self::Own => LIMIT_OWN,
            Self::Reference => LIMIT_REFERENCE,
        }
    }
}

/// A drain without us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) whose: Whose,
    pub(crate) batch: usize,
    pub(crate) connections: usize,
    pub(crate) work: scenario::Drain,
}

/// Has `pgbench` settle and claim until nothing is left.
pub(crate) async fn drain(world: Arc<World>, limit: Drain) -> Result<Vec<Measured>, Failure> {
    let Drain { whose, batch, connections, work } = limit;
    let place = Place::create(&world, Backend::SqlxPostgres).await?;
    let claims = work.items.div_ceil(batch * connections);
    let (script, of) = match whose {
        Whose::Own => {
            let store = PgStore::connect(place.url()).await?;
            store.migrate_to(Target::Latest).await?;
            beside::fill(&place, &store, work.beside).await?;
            inform(&Client::builder(store.clone()).build()?, Item::many(0, work.items, work.bytes)).await?;
            store.close().await;
            (
                world.own_drain().await?.script(batch, claims),
                "state = 'pending') FROM delta.resource WHERE state <> 'synced'",
            )
        }
        Whose::Reference => {
            reference::load(place.url(), work.items, work.beside, work.bytes).await?;
            (reference::drain(batch, claims), "state = 2) FROM resource WHERE state <> 3")
        }
    };
    Postgres::settle(place.url()).await?;
    let mut meter = Meter::start_postgres(place.url()).await?;
    // One more for each, which settles what it claimed last.
    let time = pgbench(place.url(), &script, connections, claims + 1).await?;
    meter.finish().await?;
    let mut conn = PgConnection::connect(place.url()).await?;
    let query = format!("SELECT count(*), count(*) FILTER (WHERE {of}");
    let (left, pending): (i64, i64) = sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut conn).await?;
    conn.close().await?;
    // Claims at the same time come back short now and then: what they leave is not counted.
    let drained = work.items.saturating_sub(usize::try_from(left)?);
    if pending > 0 || drained < work.items / 10 * 9 {
        return Err(format!("expected pgbench to drain all, found {left} left, of which {pending} were claimed").into());
    }
    Ok(vec![Measured::throughput(drained, time).usage(meter.usage(drained).await?)])
}
