use delta_core::Names;

use super::names::Known;
use super::query::Query;

/// A choice of namespaces and kinds as four parameters, in the order of the statements' `NAMES`.
pub(super) struct Chosen {
    namespaces: (Option<Vec<i32>>, Option<Vec<i32>>),
    kinds: (Option<Vec<i32>>, Option<Vec<i32>>),
}

impl Chosen {
    pub(super) fn of(known: &Known, namespaces: &Names, kinds: &Names) -> Self {
        Self { namespaces: Known::choice(&known.namespaces, namespaces), kinds: Known::choice(&known.kinds, kinds) }
    }

    pub(super) fn bind(self, query: Query<'_>) -> Query<'_> {
        query.bind(self.namespaces.0).bind(self.namespaces.1).bind(self.kinds.0).bind(self.kinds.1)
    }
}
