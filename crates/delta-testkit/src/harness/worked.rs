use delta::{Key, State};

/// An attempt that [`Harness::work_one`](super::Harness::work_one) has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// The resource.
    pub key: Key,
    /// The generation that was worked.
    pub generation: i64,
    /// Which attempt of the generation it was, from 1.
    pub attempt: i64,
    /// What became of it.
    pub end: End,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is settled, and this is the resource's state now.
    Settled(State),
    /// Its end is not written: the resource is pending until its lease is over, or is somebody else's.
    Lost,
}
