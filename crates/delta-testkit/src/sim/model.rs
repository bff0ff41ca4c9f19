use std::fmt;

use delta::{Builder, Client};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::store::SimStore;
use super::world::Sim;
use crate::history::{Actor, Last};

/// What a simulation simulates: its clients, and what callers do with them. One value serves one world.
pub trait Model: Send + Sync + 'static {
    /// What callers do.
    type Call: Clone + fmt::Debug + fmt::Display + Send + Sync + 'static;

    /// Gives a client of a process its controllers.
    fn client(&self, life: &Life, builder: Builder<SimStore>) -> Builder<SimStore>;

    /// What runs beside a client until `stop`: consumers.
    fn beside(&self, life: &Life, client: &Client<SimStore>, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        let _ = (life, client, stop);
        Vec::new()
    }

    /// Makes a caller's call.
    fn call(&self, life: &Life, client: &Client<SimStore>, call: Self::Call) -> BoxFuture<'static, ()>;

    /// What a caller does in a calm world, again and again, until it is at rest: what a user would do to let it.
    fn calls_to_rest(&self) -> Vec<Self::Call> {
        Vec::new()
    }

    /// Whether everything beside the resources has come to rest, too.
    fn is_at_rest(&self, last: &Last) -> bool {
        let _ = last;
        true
    }
}

/// One start of a process, until it stops or is killed.
#[derive(Clone, Debug)]
pub struct Life {
    /// The world.
    pub sim: Sim,
    /// Its name in the history.
    pub actor: Actor,
    /// Which process.
    pub process: usize,
    /// Which version of the program it runs, from 1.
    pub version: u32,
}
