use std::error::Error as StdError;
use std::fmt;

type Cause = Box<dyn StdError + Send + Sync>;

/// How a handler has failed. Every error converts into one.
///
/// It is not an error type itself: that is what lets `?` convert any error into it.
pub struct ConsumeError(Cause);

impl ConsumeError {
    /// Takes a cause, or a text.
    pub fn new(error: impl Into<Cause>) -> Self {
        Self(error.into())
    }

    /// The cause.
    #[must_use]
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ConsumeError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// The cause and what is below it, joined by colons.
impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::action::chain(&*self.0))
    }
}

impl fmt::Debug for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConsumeError").field(&self.0).finish()
    }
}
