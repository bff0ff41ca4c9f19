use std::collections::{BTreeMap, BTreeSet};

use delta::core::plan::consume::{self, ConsumerCursor, MEMBER_PREFIX, Shape};
use delta::core::{CONSUMER_PREFIX, Cursor, CursorQuery, Invalid, LogName, Owner};
use delta::{Error, Position, Store, Timestamp};

use crate::consumers::Row;
use crate::log::Link;

/// A consumer of a log, whole: with all of its slices if it has some.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) log: LogName,
    pub(crate) name: String,
    /// Its own cursor; of a sharded one, the parent of its slices.
    pub(crate) own: Option<Row>,
    pub(crate) slices: BTreeMap<u16, Row>,
    /// Who shares the slices, and lives.
    pub(crate) members: BTreeSet<Owner>,
}

/// All consumers.
#[derive(Debug)]
pub(crate) struct Found {
    /// By log and name.
    pub(crate) consumers: Vec<Consumer>,
    /// The names of cursors that are named like a consumer's, and are of none.
    pub(crate) strange: Vec<String>,
}

impl Found {
    /// Reads all consumers, of one log or of all.
    pub(crate) async fn read<S: Store>(
        link: &mut Link<'_, S>,
        log: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let below = log.map(|log| format!("{log}/")).unwrap_or_default();
        let mut prefixed = async |prefix: &str| {
            let query = CursorQuery::Prefix(format!("{prefix}{below}"));
            link.store.cursors(link.conn, &query).await
        };
        let (cursors, members) = (prefixed(CONSUMER_PREFIX).await?, prefixed(MEMBER_PREFIX).await?);
        Ok(Self::group(cursors, &members, now))
    }

    fn group(cursors: Vec<Cursor>, members: &[Cursor], now: Timestamp) -> Self {
        let mut consumers: BTreeMap<(String, String), Consumer> = BTreeMap::new();
        let mut strange = Vec::new();
        for cursor in cursors {
            let Some(named) = ConsumerCursor::parse(&cursor.name) else {
                strange.push(cursor.name);
                continue;
            };
            let key = (named.log.clone(), named.consumer.clone());
            let consumer = consumers.entry(key).or_insert_with(|| Consumer::new(&named.log, &named.consumer));
            consumer.put(named.slice, cursor);
        }
        for consumer in consumers.values_mut() {
            let prefix = consume::member_prefix(&consumer.log, &consumer.name);
            let members: Vec<_> = members.iter().filter(|member| member.name.starts_with(&prefix)).cloned().collect();
            consumer.members = consume::live_members(&members, now);
        }
        Self { consumers: consumers.into_values().collect(), strange }
    }
}

impl Consumer {
    fn new(log: &str, name: &str) -> Self {
        Self {
            log: LogName::of_table(log),
            name: name.to_owned(),
            own: None,
            slices: BTreeMap::new(),
            members: BTreeSet::new(),
        }
    }

    fn put(&mut self, slice: Option<u16>, cursor: Cursor) {
        match slice {
            None => self.own = Some(Row::new(cursor)),
            Some(slice) => {
                self.slices.insert(slice, Row::new(cursor));
            }
        }
    }

    /// Reads one consumer.
    ///
    /// # Errors
    ///
    /// `Invalid` if there is none of that name: nothing of the log was ever consumed by it.
    pub(crate) async fn read<S: Store>(
        link: &mut Link<'_, S>,
        log: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        consume::check_name(name)?;
        let mut consumer = Self::new(log, name);
        let own = CursorQuery::Names(vec![consume::cursor_name(&consumer.log, name)]);
        let slices = CursorQuery::Prefix(consume::slice_prefix(&consumer.log, name));
        let members = CursorQuery::Prefix(consume::member_prefix(&consumer.log, name));
        for query in [own, slices] {
            for cursor in link.store.cursors(link.conn, &query).await? {
                if let Some(named) = ConsumerCursor::parse(&cursor.name) {
                    consumer.put(named.slice, cursor);
                }
            }
        }
        if consumer.own.is_none() && consumer.slices.is_empty() {
            let expected = format!("one that has consumed the log \"{log}\"");
            return Err(Invalid::new("consumer", expected, format!("none of the name \"{name}\"")).into());
        }
        consumer.members = consume::live_members(&link.store.cursors(link.conn, &members).await?, now);
        Ok(consumer)
    }

    /// Whether it has slices.
    pub(crate) fn shape(&self) -> Shape {
        match self.own.as_ref().and_then(Row::standing) {
            Some(standing) => standing.data.shape,
            None if self.slices.is_empty() => Shape::One,
            None => Shape::Sharded,
        }
    }

    /// The cursors that have positions.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        let own = self.own.iter().filter(|_| self.shape() == Shape::One);
        let slices = self.slices.values().filter(|_| self.shape() == Shape::Sharded);
        own.chain(slices)
    }

    /// The lowest position that any of its cursors has; none before it has first run.
    pub(crate) fn position(&self) -> Option<Position> {
        self.rows().filter_map(Row::position).min()
    }

    /// The highest position that any of its cursors has.
    pub(crate) fn furthest(&self) -> Option<Position> {
        self.rows().filter_map(Row::position).max()
    }

    pub(crate) fn program(&self) -> Option<&str> {
        self.own.iter().chain(self.slices.values()).find_map(|row| row.standing()?.data.program.as_deref())
    }

    /// How often what is yet to be handled has failed.
    pub(crate) fn attempts(&self) -> BTreeMap<Position, u32> {
        let standings = self.rows().filter_map(Row::standing);
        standings.flat_map(|standing| standing.data.attempts.iter().map(|(at, count)| (*at, *count))).collect()
    }

    /// What is not to be handled, although a cursor has yet to pass it.
    pub(crate) fn skipped(&self) -> BTreeSet<Position> {
        self.rows().filter_map(Row::standing).flat_map(|standing| standing.data.skip.iter().copied()).collect()
    }

    /// What is wrong with what is stored in its cursors, each with the cursor's name.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for row in self.own.iter().chain(self.slices.values()) {
            match &row.standing {
                Err(error) => faults.push(error.to_string()),
                Ok(Some(standing)) if standing.data.log != self.log => {
                    let Cursor { name, .. } = &row.cursor;
                    faults.push(format!(
                        "cursor {name}: expected a place in the log {}, found one in {}",
                        self.log, standing.data.log
                    ));
                }
                Ok(_) => {}
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use delta::core::plan::consume::{CursorData, Standing};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn cursor(name: String, position: i64, shape: Shape) -> Cursor {
        let data = CursorData::new(LogName::own(), None, shape);
        let position = (position >= 0).then(|| Position::new(position));
        Standing { position, data }.into_cursor(Cursor::new(name))
    }

    #[test]
    fn cursors_are_grouped_by_consumer_and_what_is_no_consumers_is_told() {
        let own = LogName::own();
        let cursors = vec![
            cursor(consume::cursor_name(&own, "mailer"), 7, Shape::One),
            cursor(consume::cursor_name(&own, "spread"), -1, Shape::Sharded),
            cursor(consume::slice_name(&own, "spread", 0), 9, Shape::Sharded),
            cursor(consume::slice_name(&own, "spread", 1), 5, Shape::Sharded),
            cursor("consumer/delta/spread/x".to_owned(), 5, Shape::Sharded),
        ];
        let owner = Owner::new(3);
        let until = Some(Timestamp::from_micros(1_001));
        let member = Cursor::new(consume::member_name(&own, "spread", owner));
        let members = [Cursor { holder: Some(owner), lease_until: until, ..member }];
        let found = Found::group(cursors, &members, NOW);
        assert_eq!(found.strange, ["consumer/delta/spread/x"]);
        let [mailer, spread] = &found.consumers[..] else { panic!("{found:?}") };
        assert_eq!(
            (mailer.name.as_str(), mailer.shape(), mailer.position()),
            ("mailer", Shape::One, Some(Position::new(7)))
        );
        assert!(mailer.members.is_empty());
        assert_eq!((spread.shape(), spread.rows().count()), (Shape::Sharded, 2));
        assert_eq!((spread.position(), spread.furthest()), (Some(Position::new(5)), Some(Position::new(9))));
        assert_eq!(spread.members, BTreeSet::from([owner]));
    }
}
