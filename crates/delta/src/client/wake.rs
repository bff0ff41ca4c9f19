use std::fmt;

use delta_core::Lane;

use crate::client::AnyClient;

/// The wake-up of what an inform in the caller's transaction made claimable, to be sent once that has committed. If it is
/// forgotten, the poll finds the work within its interval.
#[must_use = "send it after the commit, or the work waits for the next poll"]
pub struct Wake {
    pub(crate) client: AnyClient,
    pub(crate) lanes: Vec<Lane>,
    /// Whether events were appended.
    pub(crate) appended: bool,
}

impl Wake {
    /// Sends it, in the background; gathered with others that leave at the same time.
    pub fn send(self) {
        if self.appended {
            self.client.engine.appended();
        }
        self.client.engine.wake(self.lanes);
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wake").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}
