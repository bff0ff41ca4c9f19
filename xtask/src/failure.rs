/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A program that has said why ended with this status, which becomes ours.
    Status(i32),
    /// What to tell the user.
    Message(String),
}

impl Failure {
    /// For `map_err`: says what was being done.
    pub(crate) fn doing<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self::Message(format!("could not {what}: {error}"))
    }
}
