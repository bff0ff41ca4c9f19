use std::time::Duration;

use delta::{Action, Key};

/// One call of the controller, as [`Harness::calls`](super::Harness::calls) tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The resource.
    pub key: Key,
    /// What was called.
    pub method: Method,
    /// The generation that was worked.
    pub generation: i64,
    /// Which attempt of the generation it was, from 1.
    pub attempt: i64,
    /// [`WorkContext::idempotency_key`](delta::WorkContext::idempotency_key).
    pub idempotency_key: String,
    /// When it began, in virtual time since the harness was made.
    pub at: Duration,
    /// How long it took, in virtual time.
    pub took: Duration,
    /// What it came to.
    pub answer: Answer,
}

/// A method of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `Controller::work`
    Work,
    /// `Controller::delete`
    Delete,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It ended well.
    Action(Action),
    /// It ended with an error: its text, with those of its causes.
    Error(String),
    /// It panicked: [`Harness::errors`](super::Harness::errors) says how.
    Panicked,
    /// None: it was dropped before it ended (a timeout, a cancelled attempt, a lost lease), or is still at it.
    None,
}
