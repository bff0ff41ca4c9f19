use delta_core::{Changeset, ClaimRequest, Claimed, Error, ErrorKind, Resource, Result};
use delta_sql::postgres::columns;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, Postgres};

use super::commit::{CONFLICT_LIMIT, Way, check_text, named};
use super::drafts::Append;
use super::errors::during;
use super::moment::Moment;
use super::names::Known;
use super::outcomes::Outcomes;
use super::rows::{EventShape, Fields, Read, full};
use super::settle::Settlements;
use super::store::PgStore;
use super::unit::Need;
use delta_sql::driver::Backoff;

impl PgStore {
    pub(super) async fn settle_and_claim(
        &self,
        conn: &mut PgConnection,
        finished: &Changeset,
        request: &ClaimRequest,
    ) -> Result<Claimed> {
        if conn.is_in_transaction() {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, "claim", what));
        }
        finished.check("claim")?;
        request.check("claim")?;
        check_text(finished)?;
        let known = self.make_names(conn, &named(finished)).await?;
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            match self.claim_once(conn, finished, request, &known).await {
                Err(error) if error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                claimed => return claimed,
            }
        }
    }

    async fn claim_once(
        &self,
        conn: &mut PgConnection,
        finished: &Changeset,
        request: &ClaimRequest,
        known: &Known,
    ) -> Result<Claimed> {
        if request.lanes.is_empty() {
            let receipt = self.apply(conn, finished, known).await?;
            return Ok(Claimed { receipt, resources: Vec::new() });
        }
        let way = Way::of(finished);
        let together = matches!(way, Way::Nothing | Way::Settle(_));
        let need = if together { Need::Statement } else { Need::Transaction };
        let mut unit = self.unit(conn, need, "claim").await?;
        let conn = unit.conn();
        let mut outcomes = Outcomes::of(finished);
        let claimed = if let Way::Settle(numbers) = way {
            let settlements = Settlements::of(finished, &numbers, Append::Here);
            let query = self.query(self.sql().settle(settlements.statement(finished.locked, true)));
            let rows = lanes(request, settlements.bind(query)).fetch_all(&mut *conn).await.map_err(during("claim"))?;
            let resources = self.take_claimed(conn, &rows, finished, request, &mut outcomes).await?;
            Claimed { receipt: self.receipt(conn, finished, outcomes).await?, resources }
        } else {
            let receipt = self.apply(conn, finished, known).await?;
            let query = lanes(request, self.query(&self.sql().claim));
            let rows = query.fetch_all(&mut *conn).await.map_err(during("claim"))?;
            Claimed { receipt, resources: self.take_claimed(conn, &rows, finished, request, &mut outcomes).await? }
        };
        unit.keep("claim").await?;
        Ok(claimed)
    }

    async fn take_claimed(
        &self,
        conn: &mut PgConnection,
        rows: &[PgRow],
        finished: &Changeset,
        request: &ClaimRequest,
        outcomes: &mut Outcomes,
    ) -> Result<Vec<Resource>> {
        let known = self.known_of(conn, rows, 7, "claim").await?;
        let mut resources = Vec::with_capacity(rows.len());
        for row in rows {
            let mut fields = Fields::new(row, "claim");
            if fields.take::<i32>()? != columns::CLAIMED {
                outcomes.take(row, finished, &known, EventShape::BesideClaims)?;
                continue;
            }
            match full(&mut fields.skip(6), &known)? {
                Read::Whole(row) => resources.push(row),
                // An error here would lose the leases of all others, again with each claim.
                Read::Torn(row) => tracing::error!(
                    resource = %row.key,
                    "the stored object is not the one that the row speaks of; its lease is left to run out"
                ),
            }
        }
        // A token says which number in the claim its row has.
        let number = |row: &Resource| row.lease.map(|lease| lease.token.get().wrapping_sub(request.base.get()));
        resources.sort_by_key(number);
        Ok(resources)
    }
}

fn lanes<'q>(request: &'q ClaimRequest, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(Moment(request.now))
        .bind(request.owner.get())
        .bind(request.base.get())
        .bind(Moment(request.until))
        .bind(request.lanes.iter().map(|(lane, _)| lane.namespace.as_str()).collect::<Vec<_>>())
        .bind(request.lanes.iter().map(|(lane, _)| lane.kind.as_str()).collect::<Vec<_>>())
        .bind(request.lanes.iter().map(|(_, limit)| i64::from(*limit)).collect::<Vec<_>>())
}
