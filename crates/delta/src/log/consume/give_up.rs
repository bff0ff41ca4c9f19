use crate::log::consume::ConsumeError;

/// What becomes of an event that is given up on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// It is passed over, and logged.
    BestEffort,
    /// It is kept with its error, in the same commit in which the cursor lets go of it: listed and replayed by
    /// [`Log::dead_letters`](crate::log::Log::dead_letters). If that cannot be written, the event is tried again.
    DeadLetter,
}

/// What becomes of an error.
#[derive(Debug)]
pub enum Recovered {
    /// It is none: the event counts as handled.
    Swallow,
    /// It is this one.
    Replace(ConsumeError),
    /// It stays.
    Pass(ConsumeError),
}
