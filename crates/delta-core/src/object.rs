use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::inform_options::InformOptions;
use crate::settings::ObjectSettings;

/// A user's value that Delta keeps in step with something outside.
///
/// It is stored as JSON, in canonical form, and identified by [`id`](Self::id) within its [`KIND`](Self::KIND) and
/// namespace. Order of fields does not matter; a field that changes with every serialisation (a random order, the
/// current time) would make every inform a change.
///
/// # Examples
///
/// ```
/// use delta_core::Object;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Customer {
///     id: String,
///     email: String,
/// }
///
/// impl Object for Customer {
///     const KIND: &'static str = "customer";
///
///     fn id(&self) -> String {
///         self.id.clone()
///     }
/// }
/// ```
pub trait Object: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the kind: `^[a-z0-9]+([_-]?[a-z0-9]+)*$`, at most 64 characters.
    const KIND: &'static str;

    /// Identifies the object within its kind and namespace: 1 to 255 characters, any text but NUL.
    fn id(&self) -> String;

    /// When the object was created (or last changed) outside. It carries the high-water mark of incremental informs;
    /// without it, the start of each run does.
    fn created_at(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// How this object stands to the `stored` one: `Less` is older (the inform is stale), `Equal` is unchanged, `Greater` is
    /// changed. `None`, the default, compares hashes. A stored object that no longer decodes into this type counts as
    /// changed.
    ///
    /// A kind whose objects answer `None` when compared with themselves is taken to compare hashes, and its stored objects
    /// are not loaded for an inform.
    fn compare(&self, stored: &Self) -> Option<Ordering> {
        let _ = stored;
        None
    }

    /// Options of every inform of this object; those of the call come first.
    fn inform_options(&self) -> InformOptions {
        InformOptions::new()
    }

    /// Settings of the kind.
    #[must_use]
    fn settings() -> ObjectSettings {
        ObjectSettings::default()
    }
}
