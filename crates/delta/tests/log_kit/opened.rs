//! How a client gets to the logs that tests use.

use std::time::Duration;

use delta::core::{Event, TableEvent};
use delta::{Client, ClientSettings, Log};

use crate::log_kit::channel::table;
use crate::log_kit::place::Place;

/// How a client gets to a log.
pub(crate) type Opened<S, E> = fn(&Client<S>) -> Log<S, E>;

/// A client that looks at Delta's own log often.
pub(crate) fn client<S: Place>(store: S) -> Client<S> {
    let settings = ClientSettings::new().poll_interval(Duration::from_millis(50));
    Client::builder(store).settings(settings).build().unwrap()
}

/// Delta's own.
pub(crate) fn own<S: Place>(client: &Client<S>) -> Log<S, Event> {
    client.log()
}

/// That of the tests' table.
pub(crate) fn of_table<S: Place>(client: &Client<S>) -> Log<S, TableEvent> {
    client.event_log(table()).unwrap().log()
}
