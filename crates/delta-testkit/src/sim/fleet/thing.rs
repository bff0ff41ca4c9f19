use std::cmp::Ordering;
use std::time::Duration;

use delta::core::{Missing, Object, ObjectSettings};
use serde::{Deserialize, Serialize};

/// When things expire, in even versions of the program.
pub(super) const EXPIRY: Duration = Duration::from_secs(20);

/// What the fleet keeps in step. Odd and even versions of the program have different settings for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thing<const EVEN: bool> {
    pub(super) id: String,
    pub(super) value: u64,
}

impl<const EVEN: bool> Object for Thing<EVEN> {
    const KIND: &'static str = "thing";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        let common = ObjectSettings::new();
        if EVEN {
            common.missing(Missing::Work).parallelism(2).expiry(EXPIRY).inform_interval(Duration::from_secs(15))
        } else {
            common.missing(Missing::Delete).parallelism(4).expiry(None).inform_interval(Duration::from_secs(10))
        }
    }
}

/// What a consumer makes of each synced thing, in the transaction that moves its cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copy {
    pub(super) id: String,
    /// The position of the event.
    pub(super) position: i64,
}

impl Object for Copy {
    const KIND: &'static str = "copy";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// What is informed out of order: the newer revision holds. Not every version of the program works notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) revision: u64,
}

impl Object for Note {
    const KIND: &'static str = "note";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }

    fn compare(&self, stored: &Self) -> Option<Ordering> {
        Some(self.revision.cmp(&stored.revision))
    }
}
