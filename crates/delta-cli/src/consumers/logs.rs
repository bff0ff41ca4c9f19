use std::collections::BTreeMap;

use delta::Error;
use delta::core::{ErrorKind, EventTables};

use crate::consumers::lag::Extent;
use crate::consumers::{Consumer, Lag};
use crate::log::{Link, LogColumns, Source};

/// The logs that were looked at.
#[derive(Debug)]
pub(crate) struct Logs<'a> {
    columns: &'a LogColumns,
    known: BTreeMap<String, Result<Extent, String>>,
}

impl<'a> Logs<'a> {
    pub(crate) fn new(columns: &'a LogColumns) -> Self {
        Self { columns, known: BTreeMap::new() }
    }

    /// A log's extent, or why it cannot be read: an application's table may be gone, or have other columns.
    pub(crate) async fn extent<S: EventTables>(
        &mut self,
        link: &mut Link<'_, S>,
        log: &str,
    ) -> Result<&Result<Extent, String>, Error> {
        if !self.known.contains_key(log) {
            let extent = match Source::open(link, log, self.columns).await {
                Ok(source) => Ok(Extent::read(link, source).await?),
                Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid) => {
                    Err(error.to_string())
                }
                Err(error) => return Err(error),
            };
            self.known.insert(log.to_owned(), extent);
        }
        Ok(&self.known[log])
    }

    /// How far a consumer is behind its log.
    pub(crate) async fn lag<S: EventTables>(
        &mut self,
        link: &mut Link<'_, S>,
        consumer: &Consumer,
    ) -> Result<Lag, Error> {
        match self.extent(link, consumer.log.as_str()).await? {
            Err(why) => Ok(Lag::Unreadable(why.clone())),
            Ok(extent) => {
                let extent = extent.clone();
                match Lag::of(link, &extent, consumer.furthest()).await? {
                    past_end @ Lag::PastEnd { .. } => Ok(past_end),
                    _ => Lag::of(link, &extent, consumer.position()).await,
                }
            }
        }
    }
}
