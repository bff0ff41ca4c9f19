use std::panic::{AssertUnwindSafe, catch_unwind};

use super::seen::Seen;

/// Something that a user wants to hold of his own world.
pub(super) struct Rule<W> {
    pub(super) name: &'static str,
    holds: Box<Holds<W>>,
}

type Holds<W> = dyn Fn(&W, &Seen<'_>) -> Result<(), String> + Send + Sync;

impl<W> Rule<W> {
    pub(super) fn new<F>(name: &'static str, holds: F) -> Self
    where
        F: Fn(&W, &Seen<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        Self { name, holds: Box::new(holds) }
    }

    /// Says what was found where it does not hold. It may as well panic, as an assertion does.
    pub(super) fn check(&self, world: &W, seen: &Seen<'_>) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| (self.holds)(world, seen))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or_else(|| panic.downcast_ref().copied()).unwrap_or("it panicked").to_owned())
        })
    }
}
