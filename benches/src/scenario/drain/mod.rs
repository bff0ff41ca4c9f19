pub(crate) mod beside;
mod pinned;
mod processes;
mod run;

use std::sync::Arc;

use crate::limit::{self, Whose};
use crate::scenario::{Plan, Scenario, Size};
use crate::server::{Backend, Place, World};
use crate::subject::{Case, Parameters, Subject, parameters};
use crate::{peer, with_store};

/// Items that were informed while nobody worked, until the last is synced in the database.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "drain", about: "work off what was informed before", cases, rounds: None };

/// Of which most figures are.
const BYTES: usize = 560;
/// At which the database is the limit.
const MOST: u32 = 1_000;

/// How much is drained, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    /// How many items.
    pub(crate) items: usize,
    /// Of how many bytes each.
    pub(crate) bytes: usize,
    /// How many at the same time; the default where it is `None`.
    pub(crate) parallelism: Option<u32>,
    /// How many synced resources the table holds besides.
    pub(crate) beside: usize,
    /// By how many processes.
    pub(crate) processes: usize,
    /// Through how many cycles a snapshot stays open.
    pub(crate) pinned_cycles: Option<usize>,
}

impl Drain {
    fn new(plan: &Plan) -> Self {
        let parallelism = Some(MOST);
        Self { items: plan.items, bytes: BYTES, parallelism, beside: 0, processes: 1, pinned_cycles: None }
    }

    fn parallel(self, parallelism: Option<u32>) -> Self {
        // One at a time, what takes a second with a thousand would take minutes.
        let most = parallelism.map_or(10, |parallelism| parallelism.min(MOST)) as usize;
        let items = self.items.min((2_000 * most).max(2_000));
        Self { items, parallelism, ..self }
    }

    fn parameters(&self) -> Parameters {
        let parallelism = self.parallelism.map_or_else(|| "default".to_owned(), |parallelism| parallelism.to_string());
        let object = if self.bytes == 0 { "none".to_owned() } else { format!("{} B", self.bytes) };
        let snapshot = self.pinned_cycles.map_or("", |_| "pinned");
        let all = parameters([
            ("parallelism", parallelism),
            ("object", object),
            ("beside", self.beside.to_string()),
            ("processes", self.processes.to_string()),
            ("snapshot", snapshot.to_owned()),
        ]);
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The batch that there can be at most.
    fn batch(&self) -> usize {
        (self.parallelism.unwrap_or(10).min(MOST)) as usize
    }
}

fn cases(plan: &Plan) -> Vec<Case> {
    let base = Drain::new(plan);
    let postgres = [Backend::SqlxPostgres, Backend::DieselPostgres];
    let one_of_each: &[Backend] = plan.pick(&[Backend::SqlxPostgres, Backend::SqlxSqlite], &Backend::ALL);
    let mut cases = vec![with_one_connection(case(base, &Backend::ALL, Some(peer::Mode::Tuned)), base)];
    cases.push(case(base.parallel(None), one_of_each, Some(peer::Mode::Defaults)));
    let steps: &[u32] = plan.pick(&[1, 8, 64], &[1, 2, 4, 8, 16, 32, 64, 128, 256]);
    let drivers: &[Backend] = plan.pick(&postgres[..1], &postgres);
    cases.extend(steps.iter().map(|step| case(base.parallel(Some(*step)), drivers, None)));
    let sizes: &[usize] = plan.pick(&[16_384], &[0, 16_384]);
    cases.extend(sizes.iter().map(|bytes| {
        let items = if *bytes > BYTES { base.items / 5 } else { base.items };
        case(Drain { items, bytes: *bytes, ..base }, drivers, None)
    }));
    let beside: &[usize] = plan.pick(&[100_000], &[100_000, 1_000_000]);
    cases.extend(beside.iter().map(|beside| case(Drain { beside: *beside, ..base }, &postgres[..1], None)));
    let processes: &[usize] = plan.pick(&[4], &[2, 4]);
    cases.extend(processes.iter().map(|processes| case(Drain { processes: *processes, ..base }, &postgres[..1], None)));
    if plan.size == Size::Full {
        cases.push(case(Drain { pinned_cycles: Some(5), ..base }, &postgres[..1], None));
    }
    cases
}

fn case(drain: Drain, backends: &[Backend], peers: Option<peer::Mode>) -> Case {
    let mut subjects: Vec<Subject> = backends.iter().map(|backend| ours(drain, *backend)).collect();
    if drain.pinned_cycles.is_none() {
        // One at a time is one after the other.
        let connections = if drain.batch() == 1 { 1 } else { 2 };
        subjects.extend(limits(drain, connections, ""));
    }
    if let Some(mode) = peers {
        subjects.extend(peer::subjects("drain", mode, drain.items, drain.bytes));
    }
    Case { parameters: drain.parameters(), subjects }
}

fn limits(drain: Drain, connections: usize, also: &'static str) -> impl Iterator<Item = Subject> {
    [Whose::Own, Whose::Reference].into_iter().map(move |whose| {
        let limit = limit::Drain { whose, batch: drain.batch(), connections, work: drain };
        Subject::new(format!("{}{also}", whose.subject()), move |world| limit::drain(world, limit))
    })
}

/// Adds the limits of one connection, as a client holds one.
fn with_one_connection(mut case: Case, drain: Drain) -> Case {
    case.subjects.extend(limits(drain, 1, " (1 connection)"));
    case
}

fn ours(drain: Drain, backend: Backend) -> Subject {
    Subject::new(backend.subject(), move |world: Arc<World>| async move {
        let place = Place::create(&world, backend).await?;
        with_store!(backend, place.url(), |store| {
            beside::fill(&place, &store, drain.beside).await?;
            if let Some(cycles) = drain.pinned_cycles {
                pinned::run(store, &place, drain, cycles).await
            } else if drain.processes > 1 {
                processes::run(store, &place, drain).await
            } else {
                run::run(store, &place, drain).await
            }
        })
    })
}
