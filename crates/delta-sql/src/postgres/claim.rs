use crate::postgres::text::columns;
use delta_core::{Changeset, ClaimRequest, Claimed, Error, ErrorKind, Resource, Result};

use super::commit::{CONFLICT_LIMIT, Way, check_text, named};
use super::drafts::Append;
use super::driver::PostgresDriver;
use super::names::Known;
use super::outcomes::Outcomes;
use super::query::Query;
use super::rows::{EventShape, Fields, Read, full};
use super::settle::Settlements;
use super::tables::Tables;
use crate::driver::Backoff;
use crate::driver::Need;

impl<D: PostgresDriver> Tables<D> {
    /// Applies settlements and claims, together.
    pub async fn claim(&self, conn: &mut D::Conn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        if self.driver().is_in_transaction(conn) {
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
        conn: &mut D::Conn,
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
            let query = Query::new(self.sql().settle(settlements.statement(finished.locked, true)));
            let rows = self.fetch(conn, lanes(request, settlements.bind(query)), "claim").await?;
            let resources = self.take_claimed(conn, &rows, finished, request, &mut outcomes).await?;
            Claimed { receipt: self.receipt(conn, finished, outcomes).await?, resources }
        } else {
            let receipt = self.apply(conn, finished, known).await?;
            let query = lanes(request, Query::new(&self.sql().claim));
            let rows = self.fetch(conn, query, "claim").await?;
            Claimed { receipt, resources: self.take_claimed(conn, &rows, finished, request, &mut outcomes).await? }
        };
        unit.keep("claim").await?;
        Ok(claimed)
    }

    async fn take_claimed(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
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

fn lanes<'q>(request: &'q ClaimRequest, query: Query<'q>) -> Query<'q> {
    query
        .bind(request.now)
        .bind(request.owner.get())
        .bind(request.base.get())
        .bind(request.until)
        .bind(request.lanes.iter().map(|(lane, _)| lane.namespace.as_str()).collect::<Vec<_>>())
        .bind(request.lanes.iter().map(|(lane, _)| lane.kind.as_str()).collect::<Vec<_>>())
        .bind(request.lanes.iter().map(|(_, limit)| i64::from(*limit)).collect::<Vec<_>>())
}
