use delta_core::{Name, Names};

use super::json::texts;

/// A choice of names as two parameters: 1 for these only, 0 for all but these, null for all; and a JSON array of them.
pub(super) fn choice(names: &Names) -> (Option<i64>, Option<String>) {
    match names {
        Names::All => (None, None),
        Names::Only(only) => (Some(1), Some(texts(only.iter().map(Name::as_str)))),
        Names::Except(except) => (Some(0), Some(texts(except.iter().map(Name::as_str)))),
    }
}
