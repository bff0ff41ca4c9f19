//! What databases hold before something is measured.

use std::time::Duration;

use delta::core::plan::{self, Report};
use delta::core::{Access, Browse, Changeset, ClaimRequest, Lane, LeaseToken, Owner, Resource};
use delta::{Client, EventObjects, Name, Object, Store, Timestamp};

use crate::failure::Failure;
use crate::server::{Backend, Place, World};
use crate::subject::{Measured, Subject};

/// The stores that are measured beside each other where nothing else is said.
pub(super) const STORES: [Backend; 4] =
    [Backend::SqlxPostgres, Backend::DieselPostgres, Backend::SqlxMysql, Backend::SqlxSqlite];

/// A store as a subject, each time in a fresh database.
pub(super) fn subject<F, R>(backend: Backend, measure: F) -> Subject
where
    F: Fn(Place) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Vec<Measured>, Failure>> + Send,
{
    Subject::new(backend.subject(), move |world: std::sync::Arc<World>| {
        let measure = measure.clone();
        async move { measure(Place::create(&world, backend).await?).await }
    })
}

/// How many objects one call informs, one claim takes.
pub(super) const BATCH: usize = 1_000;

/// Informs of all of them.
pub(crate) async fn inform<S: Browse, T: Object>(
    client: &Client<S>,
    items: impl IntoIterator<Item = T>,
) -> Result<(), Failure> {
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        for answer in client.inform_many(items.by_ref().take(BATCH)).await? {
            answer?;
        }
    }
    Ok(())
}

/// How attempts end that nobody makes.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// They are settled so.
    Settled(Report),
    /// They are not: their lease is over, and nobody knows.
    Lost,
}

/// Claims all that is due of a kind, and ends each attempt at once; returns how many there were.
pub(super) async fn end_all<S: Store>(store: &S, kind: &str, end: &End) -> Result<usize, Failure> {
    let mut conn = store.acquire(Access::Write).await?;
    let lane = Lane { namespace: Name::default_namespace(), kind: Name::new(kind)? };
    let mut ended = 0;
    let mut finished: Option<Changeset> = None;
    for round in 1.. {
        let now = store.now(&mut conn).await?;
        let until = match end {
            End::Settled(_) => now + Duration::from_mins(1),
            End::Lost => now + Duration::from_millis(1),
        };
        let request = ClaimRequest {
            now,
            owner: Owner::new(1),
            base: LeaseToken::new(round * 10_000),
            until,
            lanes: vec![(lane.clone(), u32::try_from(BATCH)?)],
        };
        let before = finished.take().unwrap_or_else(|| Changeset::new(now));
        let claimed = store.claim(&mut conn, &before, &request).await?.resources;
        if claimed.is_empty() {
            break;
        }
        ended += claimed.len();
        if let End::Settled(report) = end {
            finished = Some(settled(&claimed, report, now)?);
        }
    }
    Ok(ended)
}

fn settled(claimed: &[Resource], report: &Report, now: Timestamp) -> Result<Changeset, Failure> {
    let settled = claimed.iter().map(|row| plan::settle(row, report, EventObjects::Omit, now));
    Ok(Changeset { changes: settled.collect::<Result<_, _>>()?, ..Changeset::new(now) })
}
