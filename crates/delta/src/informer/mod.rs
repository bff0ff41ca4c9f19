//! Runs of informers: their schedules, requests and high-water marks are cursors in the store.

mod failure;
mod hold;
mod mentioned;
mod missing;
mod poll;
mod reader;
mod request;
mod run;

use crate::client::{AnyClient, Stop};
use crate::tasks;

pub(crate) use self::request::{request, run_here};

/// Runs what is due of this client's kinds until the client stops.
pub(crate) fn start(client: &AnyClient, stop: &Stop) {
    if !client.engine.kinds.is_empty() {
        tasks::spawn(&stop.tasks, poll::poll(client.clone(), stop.clone()));
    }
}
