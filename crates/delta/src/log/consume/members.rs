use std::collections::BTreeSet;

use delta_core::plan::consume::{self, Balance, ConsumerCursor, CursorData, SLICES, Shape, Standing};
use delta_core::{
    Access, Changeset, Cursor, CursorQuery, Error, ErrorKind, LogEvent, LogStore, Position, Result, Store as _,
    Timestamp,
};
use tokio::time::Instant;

use crate::clock::instant;
use crate::log::consume::books::{Books, by_name};
use crate::log::consume::slice::Slice;
use crate::log::consume::start;
use crate::log::source::finish;

/// This run among those that share the slices of a consumer: a cursor of its own, whose lease is that of all its slices.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    /// Its cursor as it was written last.
    pub(super) row: Cursor,
    /// How far the slices of others were at least when this run looked last.
    pub(super) others: Option<Position>,
}

/// What was found when the slices were shared out.
#[derive(Debug)]
pub(super) struct Balanced {
    /// Before it was asked for.
    pub(super) asked: Instant,
    /// The member's cursor, renewed; none if it was taken for dead.
    pub(super) row: Option<Cursor>,
    /// The slices that were taken.
    pub(super) taken: Vec<(u16, Slice)>,
    /// How many it has too many.
    pub(super) excess: usize,
    /// Whether others got in the way: there may be more to take.
    pub(super) contended: bool,
    /// How far the slices of others are, if they were looked at.
    pub(super) others: Option<Position>,
}

impl<S: LogStore, E: LogEvent> Books<S, E> {
    /// Joins those that share the slices, which the first to come makes.
    pub(super) async fn join(&self) -> Result<Option<(Membership, Instant)>> {
        let setup = &*self.setup;
        let ends = start::ends(&setup.log).await?;
        let (log, name) = (setup.log.name(), setup.name());
        let parent = consume::cursor_name(log, name);
        let member = consume::member_name(log, name, self.owner);
        let mut found = by_name(self.read(CursorQuery::Names(vec![parent.clone(), member.clone()])).await?);
        // What an earlier tenure of this run may have left.
        let member = found.remove(&member).unwrap_or_else(|| Cursor::new(member));
        let parent = found.remove(&parent).unwrap_or_else(|| Cursor::new(parent));
        let standing = self.standing(&parent)?;
        let mut cursors = Vec::new();
        let known = Standing::of(&parent)?.is_some_and(|stored| stored.data == standing.data);
        if !known {
            cursors.push(standing.clone().into_cursor(parent.clone()).put());
        }
        if parent.version == 0 {
            let position = start::begin(&setup.log, setup.options.start, ends).await?;
            let slice = Standing { position: Some(position), data: setup.data() };
            let slices = (0..SLICES).map(|number| Cursor::new(consume::slice_name(log, name, number)));
            cursors.extend(slices.map(|row| slice.clone().into_cursor(row).put()));
        }
        let asked = instant();
        let store = setup.store();
        let mut conn = store.acquire(Access::Write).await?;
        let result = async {
            let now = self.certain_now(&mut conn).await?;
            let row = Cursor {
                holder: Some(self.owner),
                lease_until: Some(now + setup.lease()),
                data: serde_json::to_string(&CursorData::new(log.clone(), None, Shape::Sharded)).ok(),
                ..member
            };
            cursors.push(row.clone().put());
            let receipt = store.commit(&mut conn, &Changeset { cursors, ..Changeset::new(now) }).await?;
            // Else another has just made the slices.
            let joined = receipt.lost_cursor.is_none();
            Ok(joined.then_some(Membership { row: Cursor { version: row.version + 1, ..row }, others: None }))
        }
        .await;
        Ok(finish(store, conn, result)?.map(|membership| (membership, asked)))
    }

    /// Renews the lease, and takes or gives back slices up to a fair share. `all`: looks how far the others are.
    pub(super) async fn balance(&self, row: Cursor, mine: &BTreeSet<u16>, all: bool) -> Result<Balanced> {
        let setup = &*self.setup;
        let (log, name) = (setup.log.name(), setup.name());
        let asked = instant();
        let members = self.read(CursorQuery::Prefix(consume::member_prefix(log, name))).await?;
        let mut now = Timestamp::EPOCH;
        let row = self.renew(row, &members, &mut now).await?;
        let mut balanced = Balanced { asked, row, taken: Vec::new(), excess: 0, contended: false, others: None };
        let Some(row) = &balanced.row else { return Ok(balanced) };
        let until = row.lease_until.unwrap_or(now);
        let mut live = consume::live_members(&members, now);
        live.insert(self.owner);
        let share = consume::balance(mine.len(), usize::from(SLICES), live.len());
        if let Balance::Release(excess) = share {
            balanced.excess = excess;
        }
        if !all && !matches!(share, Balance::Take(_)) {
            return Ok(balanced);
        }
        let slices = self.slices().await?;
        // Asked for again after the slices: whoever has joined and taken some meanwhile is no stranger.
        let members = self.read(CursorQuery::Prefix(consume::member_prefix(log, name))).await?;
        let mut live = consume::live_members(&members, now);
        live.insert(self.owner);
        let others = slices.iter().filter(|(number, _)| !mine.contains(number));
        let positions: Vec<_> = others.map(|(_, row)| self.standing(row)).collect::<Result<_>>()?;
        let slowest = positions.iter().map(|standing| standing.position.unwrap_or_default()).min();
        balanced.others = Some(slowest.unwrap_or(Position::new(i64::MAX)));
        // What an earlier tenure of this run could not give back is free for this run alone: nobody else takes it from one who
        // lives.
        let left: BTreeSet<u16> =
            slices.iter().filter(|(_, row)| row.holder == Some(self.owner)).map(|(number, _)| *number).collect();
        let mut free: Vec<(u16, Cursor)> = slices
            .into_iter()
            .filter(|(number, _)| !mine.contains(number))
            .filter_map(|(number, row)| Some((number, consume::take_slice(row, self.owner, &live, until)?)))
            .collect();
        let most = match consume::balance(mine.len(), free.len(), live.len()) {
            Balance::Take(most) => most,
            Balance::Keep | Balance::Release(_) => 0,
        };
        // Each begins elsewhere, so that those who take at the same time do not want the same.
        let rank = live.iter().position(|owner| *owner == self.owner).unwrap_or(0);
        let begin = free.len() * rank / live.len();
        free.rotate_left(begin);
        let others = free.split_off(most.min(free.len())).into_iter();
        let given_back = others.filter(|(number, _)| left.contains(number)).map(|(_, row)| row).collect();
        match self.take_slices(free, given_back, now).await? {
            Some(taken) => balanced.taken = taken,
            None => balanced.contended = true,
        }
        Ok(balanced)
    }

    /// Renews the member's own cursor, and removes those whose holders are long dead.
    async fn renew(&self, row: Cursor, members: &[Cursor], at: &mut Timestamp) -> Result<Option<Cursor>> {
        let store = self.setup.store();
        let mut conn = store.acquire(Access::Write).await?;
        let result = async {
            let now = self.certain_now(&mut conn).await?;
            *at = now;
            let lease = self.setup.lease();
            let row = Cursor { lease_until: Some(now + lease), ..row };
            let dead = |member: &&Cursor| {
                member.name != row.name && member.lease_until.is_none_or(|until| until + lease <= now)
            };
            let mut cursors: Vec<_> = members.iter().filter(dead).map(|member| member.clone().remove()).collect();
            cursors.push(row.clone().put());
            let receipt = store.commit(&mut conn, &Changeset { cursors, ..Changeset::new(now) }).await?;
            let renewed = match receipt.lost_cursor {
                None => true,
                Some(lost) if lost == row.name => false,
                // Somebody else has removed a dead one.
                Some(_) => {
                    let cursors = vec![row.clone().put()];
                    let again = store.commit(&mut conn, &Changeset { cursors, ..Changeset::new(now) }).await?;
                    again.lost_cursor.is_none()
                }
            };
            Ok(renewed.then_some(Cursor { version: row.version + 1, ..row }))
        }
        .await;
        finish(store, conn, result)
    }

    /// Takes slices and gives others back; `None` if somebody got in the way.
    async fn take_slices(
        &self,
        free: Vec<(u16, Cursor)>,
        given_back: Vec<Cursor>,
        now: Timestamp,
    ) -> Result<Option<Vec<(u16, Slice)>>> {
        if free.is_empty() && given_back.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let ends = start::ends(&self.setup.log).await?;
        let mut taken = Vec::with_capacity(free.len());
        let mut cursors: Vec<_> =
            given_back.into_iter().filter_map(|row| Some(consume::release(row, self.owner)?.put())).collect();
        for (number, row) in free {
            let standing = self.standing(&row)?;
            standing.check_end(&row.name, ends.end)?;
            cursors.push(row.clone().put());
            let row = Cursor { version: row.version + 1, ..row };
            let position = standing.position.unwrap_or_default();
            taken.push((number, Slice::new(row, standing, position)));
        }
        self.check_starts(&taken).await?;
        let lost = self.commit(&Changeset { cursors, ..Changeset::new(now) }).await?;
        Ok(lost.is_none().then_some(taken))
    }

    /// Reads slices anew that somebody else has written: those that this run still holds.
    pub(super) async fn reload(&self, names: Vec<String>) -> Result<Vec<(u16, Slice)>> {
        let rows = self.read(CursorQuery::Names(names)).await?;
        // Asked for after the cursors, which must not be beyond it.
        let ends = start::ends(&self.setup.log).await?;
        let mut mine = Vec::new();
        for row in rows {
            let Some(number) = number(&row) else { continue };
            if row.holder == Some(self.owner) {
                let standing = self.standing(&row)?;
                standing.check_end(&row.name, ends.end)?;
                let position = standing.position.unwrap_or_default();
                mine.push((number, Slice::new(row, standing, position)));
            }
        }
        self.check_starts(&mine).await?;
        Ok(mine)
    }

    /// Checks that slices that stand at the start of the log have missed nothing.
    async fn check_starts(&self, slices: &[(u16, Slice)]) -> Result<()> {
        if slices.iter().any(|(_, slice)| slice.mark().at() == Position::START) {
            start::check_start(&self.setup.log, self.setup.name()).await?;
        }
        Ok(())
    }

    /// All slices, by number.
    async fn slices(&self) -> Result<Vec<(u16, Cursor)>> {
        let (log, name) = (self.setup.log.name(), self.setup.name());
        let rows = self.read(CursorQuery::Prefix(consume::slice_prefix(log, name))).await?;
        let slices: Vec<_> = rows.into_iter().filter_map(|row| Some((number(&row)?, row))).collect();
        if slices.len() != usize::from(SLICES) {
            // Without its cursor nobody would handle a slice's events.
            let what = format!("expected {SLICES} slices, found {}", slices.len());
            return Err(Error::new(ErrorKind::Corrupt, format!("consumer \"{name}\""), what));
        }
        Ok(slices)
    }

    /// Removes a member's cursor.
    pub(super) async fn leave(&self, row: Cursor) -> Result<()> {
        let cursors = vec![row.remove()];
        self.commit(&Changeset { cursors, ..Changeset::new(Timestamp::EPOCH) }).await.map(|_| ())
    }
}

fn number(row: &Cursor) -> Option<u16> {
    ConsumerCursor::parse(&row.name)?.slice
}
