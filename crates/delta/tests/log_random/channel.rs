//! What writers append to and consumers read: a log, with labels for events.

use delta::core::WakeUp;
use delta::core::{Browse, Store, Subject};
use delta::{Client, EventFilter, EventQuery, Object, ObjectSettings, Position, Result};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::checker::Seen;

/// A page of a log.
pub(crate) struct Page {
    pub(crate) events: Vec<Seen>,
    pub(crate) next: Position,
    pub(crate) head: Position,
    pub(crate) held_back: u64,
}

pub(crate) trait Channel<S: Store>: Send + Sync {
    /// Appends an event for each label, in their order, in the transaction of the connection.
    fn append<'a>(&'a self, conn: &'a mut S::Conn, labels: &'a [String]) -> BoxFuture<'a, Result<()>>;

    /// Reads on.
    fn page<'a>(&'a self, conn: &'a mut S::Conn, after: Position, limit: u32) -> BoxFuture<'a, Result<Page>>;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Item {
    id: String,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// Delta's own log: every label is an object that Delta is told of.
pub(crate) struct Own<S: Store>(pub(crate) Client<S>);

impl<S: Browse> Channel<S> for Own<S> {
    fn append<'a>(&'a self, conn: &'a mut S::Conn, labels: &'a [String]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let items: Vec<Item> = labels.iter().map(|label| Item { id: label.clone() }).collect();
            let (answers, wake) = self.0.inform_many_in(conn, items, WakeUp::AfterCommit).await?;
            assert!(answers.iter().all(std::result::Result::is_ok), "{answers:?}");
            // Nobody works here.
            drop(wake);
            Ok(())
        })
    }

    fn page<'a>(&'a self, conn: &'a mut S::Conn, after: Position, limit: u32) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move {
            let query = EventQuery { after, limit, filter: EventFilter::default() };
            let page = self.0.store().events(conn, &query).await?;
            let events = page.events.iter().map(|event| match &event.subject {
                Subject::Resource { key, .. } => {
                    Seen { position: event.position, label: key.object_id.as_str().to_owned() }
                }
                Subject::Scope(scope) => panic!("nobody wrote of {scope:?}"),
            });
            Ok(Page { events: events.collect(), next: page.next, head: page.head, held_back: page.held_back })
        })
    }
}
