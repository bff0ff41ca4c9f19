use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use delta::{Builder, ClientSettings};
use futures::future::BoxFuture;

use super::caller::Caller;
use super::judge::Judge;
use super::rule::Rule;
use crate::harness::Outside;
use crate::sim::chance::Draw;
use crate::sim::fault::FaultRates;
use crate::sim::model::Life;
use crate::sim::store::SimStore;

/// What a user has said about his simulation.
pub(super) struct Setup<W> {
    pub(super) world: Box<dyn Fn(&Outside) -> W + Send + Sync>,
    pub(super) clients: Vec<Box<ToClient<W>>>,
    pub(super) settings: Box<dyn Fn(ClientSettings) -> ClientSettings + Send + Sync>,
    pub(super) steps: Vec<UserStep<W>>,
    pub(super) always: Vec<Rule<W>>,
    pub(super) at_rest: Vec<Rule<W>>,
    pub(super) shape: Shape,
}

type ToClient<W> = dyn Fn(&Place<'_, W>, Builder<SimStore>) -> Builder<SimStore> + Send + Sync;

/// Where a client is made.
pub(super) struct Place<'a, W> {
    pub(super) world: &'a Arc<W>,
    pub(super) life: &'a Life,
    pub(super) judge: &'a Arc<Judge<W>>,
}

/// How large the scenarios are, and how bad.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// What goes wrong how often; as the seed says if `None`.
    pub(super) faults: Option<FaultRates>,
    /// How many steps of a thousand befall a process or a clock.
    pub(super) trouble: u32,
    pub(super) processes: RangeInclusive<usize>,
    pub(super) steps: RangeInclusive<u32>,
    pub(super) storm: Duration,
    pub(super) patience: Duration,
    pub(super) must_rest: bool,
    /// Whether there may be layers that change what a controller answers.
    pub(super) has_layers: bool,
}

/// Something that callers do.
pub(super) struct UserStep<W> {
    /// What a timeline shows of one.
    pub(super) text: Box<dyn Fn(&mut Draw) -> String + Send + Sync>,
    pub(super) take: Box<Take<W>>,
    /// How often it is chosen, beside the others.
    pub(super) weight: u64,
}

type Take<W> = dyn Fn(Caller<W>, Draw) -> BoxFuture<'static, Result<(), String>> + Send + Sync;

impl<W> Setup<W> {
    /// A world without anything in it.
    pub(super) fn new(world: Box<dyn Fn(&Outside) -> W + Send + Sync>, shape: Shape) -> Self {
        Self {
            world,
            clients: Vec::new(),
            settings: Box::new(|settings| settings),
            steps: Vec::new(),
            always: Vec::new(),
            at_rest: Vec::new(),
            shape,
        }
    }
}
