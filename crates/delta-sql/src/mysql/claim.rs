use std::collections::HashSet;

use delta_core::{Changeset, ClaimRequest, Claimed, Error, ErrorKind, Receipt, Resource, Result};

use super::commit::{Whose, named};
use super::driver::MysqlDriver;
use super::load::without_object;
use super::names::Known;
use super::query::Query;
use super::rows::Fields;
use super::tables::{CONFLICT_LIMIT, Tables, end};
use super::text::claim::LANES;
use crate::driver::Backoff;

/// A lane by the ids of its namespace and kind, and how many to claim of it.
type Quota = (i64, i64, u32);

impl<D: MysqlDriver> Tables<D> {
    /// Applies a changeset of settlements and claims, together.
    pub async fn claim(&self, conn: &mut D::Conn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, "claim", what));
        }
        finished.check("claim")?;
        request.check("claim")?;
        let known = self.make_names(conn, &named(finished)).await?;
        let mut wanted = super::names::Wanted::default();
        for (lane, _) in &request.lanes {
            wanted.kinds.insert(&lane.kind);
            wanted.namespaces.insert(&lane.namespace);
        }
        self.find_names(conn, &wanted).await?;
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
        if finished.is_empty() && request.lanes.is_empty() {
            return Ok(Claimed::default());
        }
        let mut unit = self.unit(conn, "claim").await?;
        let done = self.settle_and_claim(unit.conn(), finished, request, known).await;
        end(unit, done, "claim").await
    }

    async fn settle_and_claim(
        &self,
        conn: &mut D::Conn,
        finished: &Changeset,
        request: &ClaimRequest,
        known: &Known,
    ) -> Result<Claimed> {
        // A cursor that is lost undoes the changeset, and leaves the claim.
        let receipt = match finished {
            set if set.is_empty() => Receipt::default(),
            set if set.cursors.is_empty() => self.apply(conn, set, known, Whose::Own).await?,
            set => self.commit_once(conn, set, known, Whose::Own).await?,
        };
        let quotas = self.quotas(conn, request).await?;
        let mut picked = self.pick(conn, request, &quotas).await?;
        let mut number = 0;
        picked.retain_mut(|row| {
            let claimed = request.take(row, number);
            number += usize::from(claimed);
            claimed
        });
        if picked.is_empty() {
            return Ok(Claimed { receipt, resources: picked });
        }
        self.write_heads(conn, &picked, &self.names().known()).await?;
        Ok(Claimed { receipt, resources: self.with_details(conn, picked).await? })
    }

    /// The lanes that are claimed from: those that exist, and are not paused.
    async fn quotas(&self, conn: &mut D::Conn, request: &ClaimRequest) -> Result<Vec<Quota>> {
        if request.lanes.is_empty() {
            return Ok(Vec::new());
        }
        let mut paused: HashSet<(i64, i64)> = HashSet::new();
        for row in &self.fetch(conn, Query::new(&self.sql().paused), "claim").await? {
            let mut fields = Fields::new(row, "claim");
            paused.insert((fields.take()?, fields.take()?));
        }
        let known = self.names().known();
        let quota = |(lane, limit): &(delta_core::Lane, u32)| {
            let (namespace, kind) = (known.namespaces.id(&lane.namespace)?, known.kinds.id(&lane.kind)?);
            let free = !paused.contains(&(0, kind)) && !paused.contains(&(1, namespace)) && *limit > 0;
            free.then_some((namespace, kind, *limit))
        };
        Ok(request.lanes.iter().filter_map(quota).collect())
    }

    /// Locks the first resources of each lane that nobody has locked.
    async fn pick(&self, conn: &mut D::Conn, request: &ClaimRequest, quotas: &[Quota]) -> Result<Vec<Resource>> {
        let mut picked = Vec::new();
        let mut left = quotas;
        while !left.is_empty() {
            let place = LANES.iter().rposition(|lanes| *lanes <= left.len()).unwrap_or(0);
            let (now, later) = left.split_at(LANES[place]);
            left = later;
            let query = now.iter().fold(Query::new(&self.sql().pick[place]), |query, (namespace, kind, limit)| {
                query.bind(*namespace).bind(*kind).bind(request.now).bind(i64::from(*limit))
            });
            let rows = self.fetch(conn, query, "claim").await?;
            picked.extend(self.heads(conn, &rows, "claim").await?);
        }
        Ok(picked)
    }

    /// Reads the details of rows that are locked by now, in a statement whose snapshot shows what the locks keep as it is.
    async fn with_details(&self, conn: &mut D::Conn, mut rows: Vec<Resource>) -> Result<Vec<Resource>> {
        let mut details = self.details(conn, rows.iter().map(|row| row.id.get()), "claim").await?;
        rows.retain_mut(|row| {
            row.detail = details.remove(&row.id.get());
            if row.detail.is_none() {
                // As an error of the claim it would lose the leases of all others, again with each claim.
                let error = without_object("claim", row);
                tracing::error!(resource = %row.key, %error, "its lease is left to run out");
            }
            row.detail.is_some()
        });
        Ok(rows)
    }
}
