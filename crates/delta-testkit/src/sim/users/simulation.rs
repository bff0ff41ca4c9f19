use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use delta::core::Object;
use delta::{Builder, ClientSettings, Controller, ScheduleInform, WorkError};
use futures::FutureExt as _;

use super::caller::Caller;
use super::failure::Failure;
use super::report::Report;
use super::rule::Rule;
use super::search::search;
use super::seeds;
use super::seen::Seen;
use super::setup::{Place, Setup, Shape, UserStep};
use super::simulated::Simulated;
use crate::harness::Outside;
use crate::sim::chance::Draw;
use crate::sim::fault::FaultRates;
use crate::sim::store::SimStore;

/// How often a step of callers is chosen, beside a run of an informer.
const STEP: u64 = 10;
const INFORMER: u64 = 1;

/// Simulates controllers under many seeds: begun by [`Harness::simulate`](crate::Harness::simulate).
///
/// For each seed there is a fresh [`world`](Self::world), one database in memory, and some processes with a client each, in
/// one thread and on virtual time. Callers [inform](Self::informs), [delete](Self::deletes) and do what [else](Self::step)
/// they are told to, while processes are killed at any await, restarted or stand still, leases end, calls of the database and
/// of the outside fail, are late or lose their answer, workers fail, panic or hang, and clocks are wrong. Then nothing goes
/// wrong any more, and everything must come to rest. The defaults are meant to do: what is wanted is a world, a controller,
/// a step or an informer, and what must hold.
///
/// # Guarantees
///
/// - A seed gives one history, to the last line, as long as the controllers and the world leave nothing to chance. Whether
///   they do is looked at: the first seed and one that fails are run twice.
/// - What is found is the lowest seed that fails, made smaller until no step and no fault can be taken away.
/// - The engine's own [invariants](crate::invariants) are held, too.
/// - Nothing is shared between seeds, which are run on all cores at once.
///
/// # Assumptions
///
/// Controllers and world wait for nothing but tokio's timers, the client and the [`Outside`], and read no clock but tokio's.
/// It is used in a plain `#[test]`, as it brings a runtime for each seed.
///
/// The variable `DELTA_SEED` names the one seed to run; `DELTA_SEEDS`, as `1000..2000`, names others than those of the code.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use delta::{Action, Controller, Object, Resource, WorkContext, WorkError};
/// use delta_testkit::Harness;
/// use delta_testkit::harness::{Draw, Outside, Seen};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// impl Object for User {
///     const KIND: &'static str = "user";
///
///     fn id(&self) -> String {
///         self.name.clone()
///     }
/// }
///
/// /// The fake of a service that knows users.
/// struct Directory {
///     outside: Outside,
///     users: Mutex<Vec<String>>,
/// }
///
/// struct Users(Arc<Directory>);
///
/// impl Controller for Users {
///     type Object = User;
///
///     async fn work(&self, _: &WorkContext, user: &Resource<User>) -> Result<Action, WorkError> {
///         let Directory { outside, users } = &*self.0;
///         outside.call("add", || users.lock().unwrap().push(user.object.name.clone())).await?;
///         Ok(Action::Synced)
///     }
/// }
///
/// let failure = Harness::simulate(0..100)
///     .world(|outside| Directory { outside: outside.clone(), users: Mutex::default() })
///     .controller(|directory| Users(directory.clone()))
///     .informs(|draw: &mut Draw| User { name: format!("u{}", draw.below(3)) })
///     .invariant("nobody is added twice", |directory: &Directory, _: &Seen<'_>| {
///         let mut users = directory.users.lock().unwrap().clone();
///         users.sort();
///         match users.windows(2).find(|two| two[0] == two[1]) {
///             Some(two) => Err(format!("{} is there twice", two[0])),
///             None => Ok(()),
///         }
///     })
///     .check()
///     .unwrap_err();
/// assert_eq!(failure.violation.invariant, "nobody is added twice");
/// assert!(failure.timeline.contains("outside-loses-answer") || failure.timeline.contains("worker-"), "{failure}");
/// ```
#[must_use = "nothing is simulated before `run` or `check`"]
pub struct Simulation<W = ()> {
    seeds: Range<u64>,
    setup: Setup<W>,
}

impl Simulation {
    pub(crate) fn new(seeds: Range<u64>) -> Self {
        let shape = Shape {
            faults: None,
            trouble: 150,
            processes: 1..=3,
            steps: 8..=30,
            storm: Duration::from_secs(20),
            patience: Duration::from_mins(10),
            must_rest: true,
            has_layers: false,
        };
        Self { seeds, setup: Setup::new(Box::new(|_| ()), shape) }
    }

    /// Makes the fake of the outside world, fresh for each seed; none by default. It comes first: what is said afterwards is
    /// told of it.
    ///
    /// Its calls go through the [`Outside`] that it is given, so that the seed can have them be refused, be late, or be
    /// done with the answer lost. It outlives the processes, as the real one does.
    ///
    /// # Panics
    ///
    /// If something else was said before.
    #[track_caller]
    pub fn world<W, F>(self, make: F) -> Simulation<W>
    where
        W: Send + Sync + 'static,
        F: Fn(&Outside) -> W + Send + Sync + 'static,
    {
        let Setup { clients, steps, always, at_rest, shape, .. } = self.setup;
        let is_first = clients.is_empty() && steps.is_empty() && always.is_empty() && at_rest.is_empty();
        assert!(is_first, "expected the world before the controllers, steps and invariants, found it after some");
        Simulation { seeds: self.seeds, setup: Setup::new(Box::new(make), shape) }
    }
}

impl<W: Send + Sync + 'static> Simulation<W> {
    /// Adds the controller of a kind: made afresh each time that a process starts, as its memory is lost with a process.
    ///
    /// Its informer runs, too.
    pub fn controller<C, F>(mut self, make: F) -> Self
    where
        C: Controller,
        F: Fn(&Arc<W>) -> C + Send + Sync + 'static,
    {
        self.setup.clients.push(Box::new(move |place: &Place<'_, W>, builder| {
            let (controller, life, judge) = (make(place.world), place.life.clone(), Arc::clone(place.judge));
            builder.controller(Simulated { controller, life, judge })
        }));
        let kind = C::Object::KIND;
        let text = move |_: &mut Draw| format!("schedule a run of the informer of {kind}");
        let take = move |caller: Caller<W>, _| async move {
            caller.client().schedule_inform(kind, ScheduleInform::new()).await?;
            Ok(())
        };
        self.push(INFORMER, text, take)
    }

    /// Has callers inform what this draws, now and then.
    ///
    /// It must depend on nothing but what it draws. Draw the ids from a few: resources that are worked once only show little.
    pub fn informs<T, F>(self, draw: F) -> Self
    where
        T: Object,
        F: Fn(&mut Draw) -> T + Send + Sync + 'static,
    {
        let draw = Arc::new(draw);
        let shown = Arc::clone(&draw);
        let text = move |from: &mut Draw| format!("inform {}", in_words(&shown(from)));
        let take = move |caller: Caller<W>, mut from: Draw| {
            let object = draw(&mut from);
            async move {
                caller.inform(object).await?;
                Ok(())
            }
        };
        self.push(STEP, text, take)
    }

    /// Has callers ask for the deletion of what this draws, now and then; see [`informs`](Self::informs).
    pub fn deletes<T, F>(self, draw: F) -> Self
    where
        T: Object,
        F: Fn(&mut Draw) -> T + Send + Sync + 'static,
    {
        let draw = Arc::new(draw);
        let shown = Arc::clone(&draw);
        let text = move |from: &mut Draw| {
            let object = shown(from);
            format!("delete {} {}", T::KIND, object.id())
        };
        let take = move |caller: Caller<W>, mut from: Draw| {
            let object = draw(&mut from);
            async move {
                caller.delete(&object).await?;
                Ok(())
            }
        };
        self.push(STEP, text, take)
    }

    /// Has callers do something of your own, now and then: with the client of a process, and with the world.
    ///
    /// It is dropped at any await if its process dies. An error is noted in the history, and means nothing else: while things
    /// go wrong, callers meet errors.
    pub fn step<F, R>(self, name: &'static str, take: F) -> Self
    where
        F: Fn(Caller<W>, Draw) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), WorkError>> + Send + 'static,
    {
        self.push(STEP, move |_: &mut Draw| name.to_owned(), take)
    }

    /// Adds something that holds at every moment. It is looked at after every call of the outside, before and after every
    /// call of a controller, and after every step of a caller.
    ///
    /// It says what it found where it does not hold, or panics as an assertion does. The name is a short sentence of what
    /// holds.
    pub fn invariant<F>(mut self, name: &'static str, holds: F) -> Self
    where
        F: Fn(&W, &Seen<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        self.setup.always.push(Rule::new(name, holds));
        self
    }

    /// Adds something that holds once nothing goes wrong any more and everything has come to rest.
    pub fn at_rest<F>(mut self, name: &'static str, holds: F) -> Self
    where
        F: Fn(&W, &Seen<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        self.setup.at_rest.push(Rule::new(name, holds));
        self
    }

    /// How often what goes wrong; by default each seed draws its own rates, none at all among them.
    pub fn faults(mut self, rates: FaultRates) -> Self {
        self.setup.shape.faults = Some(rates);
        self
    }

    /// How many steps of a thousand are trouble instead: a process killed, restarted or stopped for a while, or a jump of the
    /// database's clock; 150 by default.
    pub fn trouble(mut self, per_mille: u32) -> Self {
        self.setup.shape.trouble = per_mille;
        self
    }

    /// How many processes there are, each with a client; 1 to 3 by default.
    ///
    /// # Panics
    ///
    /// If that may be none.
    #[track_caller]
    pub fn clients(mut self, processes: RangeInclusive<usize>) -> Self {
        assert!(*processes.start() > 0 && !processes.is_empty(), "expected at least one client, found {processes:?}");
        self.setup.shape.processes = processes;
        self
    }

    /// How many steps a seed takes; 8 to 30 by default.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn steps(mut self, steps: RangeInclusive<u32>) -> Self {
        assert!(!steps.is_empty(), "expected a number of steps, found {steps:?}");
        self.setup.shape.steps = steps;
        self
    }

    /// How long, in virtual time, callers call and things go wrong; 20 s by default.
    pub fn storm(mut self, time: Duration) -> Self {
        self.setup.shape.storm = time;
        self
    }

    /// How long, in virtual time, everything may take to come to rest after that; 10 minutes by default.
    ///
    /// `None` if it never does, because a controller answers `Snooze` for ever: then it is looked at for a minute, and what
    /// was said to hold [at rest](Self::at_rest) must hold at its end.
    pub fn patience(mut self, time: impl Into<Option<Duration>>) -> Self {
        let time = time.into();
        self.setup.shape.must_rest = time.is_some();
        self.setup.shape.patience = time.unwrap_or(Duration::from_mins(1));
        self
    }

    /// Changes the settings of the clients. Given are those of the simulation: a lease of 4 to 8 s, drawn by the seed, which
    /// is also the time that work may take, and intervals to match; keep their seed.
    pub fn settings<F>(mut self, change: F) -> Self
    where
        F: Fn(ClientSettings) -> ClientSettings + Send + Sync + 'static,
    {
        self.setup.settings = Box::new(change);
        self
    }

    /// Changes the builder of every client: for layers and namespaces. Its settings are changed by
    /// [`settings`](Self::settings).
    ///
    /// As a layer may change what a controller answers, it is then no longer checked that what is recorded of an attempt is
    /// what the controller answered.
    pub fn client<F>(mut self, change: F) -> Self
    where
        F: Fn(&Arc<W>, Builder<SimStore>) -> Builder<SimStore> + Send + Sync + 'static,
    {
        self.setup.clients.push(Box::new(move |place: &Place<'_, W>, builder| change(place.world, builder)));
        self.setup.shape.has_layers = true;
        self
    }

    /// Runs it, and says what it found.
    ///
    /// # Errors
    ///
    /// The failure of the lowest seed that fails.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run), but for what it finds.
    #[track_caller]
    pub fn check(self) -> Result<Report, Failure> {
        assert!(
            tokio::runtime::Handle::try_current().is_err(),
            "expected a plain #[test], found tokio's runtime: a simulation brings one of its own for each seed"
        );
        assert!(!self.setup.clients.is_empty(), "expected a controller to simulate, found none");
        let seeds = seeds::chosen(self.seeds, |name| std::env::var(name).ok());
        assert!(!seeds.is_empty(), "expected seeds, found none in {seeds:?}");
        search(&Arc::new(self.setup), seeds)
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// With the [`Failure`] that it found; within a runtime; and if it has no controller or no seed.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it panics with what it finds; the report is for the curious")]
    pub fn run(self) -> Report {
        match self.check() {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        }
    }

    fn push<X, F, R>(mut self, weight: u64, text: X, take: F) -> Self
    where
        X: Fn(&mut Draw) -> String + Send + Sync + 'static,
        F: Fn(Caller<W>, Draw) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), WorkError>> + Send + 'static,
    {
        let take = Box::new(move |caller, draw| {
            let taken = take(caller, draw);
            async move { taken.await.map_err(|error| delta::testing::message(&error)) }.boxed()
        });
        self.setup.steps.push(UserStep { text: Box::new(text), take, weight });
        self
    }
}

fn in_words<T: Object>(object: &T) -> String {
    let json = serde_json::to_string(object).unwrap_or_else(|error| error.to_string());
    format!("{} {} {json}", T::KIND, object.id())
}

impl<W> fmt::Debug for Simulation<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seeds", &self.seeds)
            .field("shape", &self.setup.shape)
            .finish_non_exhaustive()
    }
}
