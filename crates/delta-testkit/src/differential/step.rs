use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// One step of a history. It names rows by what was read of them before, counted from the last, so that a shorter history
/// still means something.
#[derive(Clone, Debug)]
pub enum Step {
    /// A changeset by itself, or several in one transaction.
    Commit {
        /// The changesets, in their order.
        changesets: Vec<Edits>,
        /// In what they are committed.
        within: Within,
    },
    /// Changesets about different rows, at once on the store under test and one after the other on the reference.
    Together(Vec<Vec<Edit>>),
    /// A claim, with settlements that travel with it.
    Claim {
        /// Which attempts are settled.
        finished: Vec<u8>,
        /// From which lanes, and how many.
        lanes: Vec<(u8, u8)>,
        /// How long the leases last, in seconds.
        lease: u8,
    },
    /// Time passes, in seconds.
    Wait(u8),
    /// Everything that can be read is read.
    Read {
        /// Which names are chosen.
        choice: u8,
        /// How large pages are.
        limit: u8,
    },
}

/// In what changesets are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// Each in its own.
    Themselves,
    /// One transaction, which is committed.
    Committed,
    /// One transaction, which is rolled back.
    RolledBack,
}

/// What one changeset is made from.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Changes of rows. A second one of the same row is left out.
    pub rows: Vec<Edit>,
    /// Which cursor, how many reads ago, and what becomes of it.
    pub cursors: Vec<(u8, u8, u8)>,
    /// Which kind or namespace, and what is written.
    pub scopes: Vec<(u8, u8)>,
}

/// A change of one row. `pick` counts what was read, from the last.
#[derive(Clone, Copy, Debug)]
pub enum Edit {
    /// A new row, or one that exists.
    Insert {
        /// Its name.
        name: u8,
        /// Its lane.
        lane: u8,
        /// Everything else that may vary.
        seed: u8,
    },
    /// Another object.
    Inform(u8),
    /// Any other field.
    Touch {
        /// Which read.
        pick: u8,
        /// What is written.
        seed: u8,
    },
    /// The row goes.
    Remove(u8),
    /// An attempt ends.
    Settle {
        /// Which read.
        pick: u8,
        /// How.
        seed: u8,
    },
    /// An attempt ends if its lease is over.
    Rescue(u8),
    /// A heartbeat.
    Renew {
        /// Which read.
        pick: u8,
        /// For how many seconds.
        seconds: u8,
    },
    /// What a plan decides about a row.
    Plan {
        /// Which read.
        pick: u8,
        /// Which plan.
        plan: Plan,
    },
}

/// The plans of `delta_core::plan` that are about one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the function of that name")]
pub enum Plan {
    Inform(u8),
    Invalidate,
    Retry,
    Cancel,
    Delete,
    Pause,
    Resume,
    Expire,
    MissingWork,
    Purge,
    Synced,
    Failed,
    Permanent,
    Gone,
    Snooze,
    Released,
    Rescue,
}

fn pick() -> BoxedStrategy<u8> {
    // Mostly what was read last, sometimes what has moved on since.
    prop_oneof![4 => 0..6_u8, 1 => 0..60_u8].boxed()
}

fn edit() -> BoxedStrategy<Edit> {
    prop_oneof![
        5 => insert(),
        3 => pick().prop_map(Edit::Inform),
        3 => (pick(), any::<u8>()).prop_map(|(pick, seed)| Edit::Touch { pick, seed }),
        1 => pick().prop_map(Edit::Remove),
        5 => (pick(), any::<u8>()).prop_map(|(pick, seed)| Edit::Settle { pick, seed }),
        2 => pick().prop_map(Edit::Rescue),
        2 => (pick(), 0..200_u8).prop_map(|(pick, seconds)| Edit::Renew { pick, seconds }),
    ]
    .boxed()
}

fn plan() -> BoxedStrategy<Edit> {
    let others = select(vec![
        Plan::Invalidate,
        Plan::Retry,
        Plan::Cancel,
        Plan::Delete,
        Plan::Pause,
        Plan::Resume,
        Plan::Expire,
        Plan::MissingWork,
        Plan::Purge,
        Plan::Synced,
        Plan::Synced,
        Plan::Failed,
        Plan::Permanent,
        Plan::Gone,
        Plan::Snooze,
        Plan::Released,
        Plan::Rescue,
        Plan::Rescue,
    ]);
    let plan = prop_oneof![1 => any::<u8>().prop_map(Plan::Inform), 4 => others];
    (pick(), plan).prop_map(|(pick, plan)| Edit::Plan { pick, plan }).boxed()
}

fn insert() -> BoxedStrategy<Edit> {
    (0..14_u8, 0..4_u8, any::<u8>()).prop_map(|(name, lane, seed)| Edit::Insert { name, lane, seed }).boxed()
}

fn within() -> BoxedStrategy<Within> {
    prop_oneof![3 => Just(Within::Themselves), 1 => Just(Within::Committed), 1 => Just(Within::RolledBack)].boxed()
}

fn claim() -> BoxedStrategy<Step> {
    (vec(pick(), 0..3), vec((0..4_u8, 0..4_u8), 0..4), 0..90_u8)
        .prop_map(|(finished, lanes, lease)| Step::Claim { finished, lanes, lease })
        .boxed()
}

fn edits(rows: BoxedStrategy<Vec<Edit>>) -> BoxedStrategy<Edits> {
    let cursors = prop_oneof![2 => Just(Vec::new()), 1 => vec((0..4_u8, 0..3_u8, any::<u8>()), 1..3)];
    let scopes = prop_oneof![5 => Just(Vec::new()), 1 => vec((0..4_u8, 0..3_u8), 1..3)];
    (rows, cursors, scopes).prop_map(|(rows, cursors, scopes)| Edits { rows, cursors, scopes }).boxed()
}

fn commit(rows: BoxedStrategy<Vec<Edit>>) -> BoxedStrategy<Step> {
    (vec(edits(rows), 1..3), within()).prop_map(|(changesets, within)| Step::Commit { changesets, within }).boxed()
}

fn rest() -> BoxedStrategy<Step> {
    prop_oneof![
        (0..100_u8).prop_map(Step::Wait),
        (any::<u8>(), 1..9_u8).prop_map(|(choice, limit)| Step::Read { choice, limit }),
    ]
    .boxed()
}

/// Histories of changesets written by hand: every fence, every kind of write, valid and outdated.
pub fn raw_steps() -> BoxedStrategy<Vec<Step>> {
    let together =
        vec(vec(edit().prop_filter("keeps ids in one order", |edit| !matches!(edit, Edit::Insert { .. })), 1..4), 2..4);
    let step = prop_oneof![
        6 => commit(vec(edit(), 1..7).boxed()),
        4 => claim(),
        1 => together.prop_map(Step::Together),
        2 => rest(),
    ];
    vec(step, 1..40).boxed()
}

/// Histories of changesets that plans decide.
pub fn planned_steps() -> BoxedStrategy<Vec<Step>> {
    // One insert at a time: rows that plans make due at one moment are claimed in the order of their ids.
    let rows = prop_oneof![1 => vec(insert(), 1..2), 3 => vec(plan(), 1..5)].boxed();
    let step = prop_oneof![
        6 => commit(rows),
        4 => claim(),
        1 => vec(vec(plan(), 1..4), 2..4).prop_map(Step::Together),
        2 => rest(),
    ];
    vec(step, 1..40).boxed()
}
