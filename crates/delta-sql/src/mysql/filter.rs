use std::fmt::Write;

use delta_core::Names;

use super::names::Known;
use super::query::Query;

/// A choice of namespaces and kinds as eight parameters, in the order of the statements' `names`.
pub(super) struct Chosen {
    lists: [Option<String>; 4],
}

impl Chosen {
    pub(super) fn of(known: &Known, namespaces: &Names, kinds: &Names) -> Self {
        let namespaces = Known::choice(&known.namespaces, namespaces);
        let kinds = Known::choice(&known.kinds, kinds);
        Self { lists: [namespaces.0, namespaces.1, kinds.0, kinds.1].map(|ids| ids.map(|ids| list(&ids))) }
    }

    pub(super) fn bind(self, query: Query<'_>) -> Query<'_> {
        self.lists.into_iter().fold(query, |query, list| query.bind(list.clone()).bind(list))
    }
}

/// Numbers as `FIND_IN_SET` takes them.
fn list(ids: &[i64]) -> String {
    let mut list = String::new();
    for id in ids {
        let comma = if list.is_empty() { "" } else { "," };
        let _ = write!(list, "{comma}{id}");
    }
    list
}

/// Names as `FIND_IN_SET` takes them; no name has a comma.
pub(super) fn names_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(",")
}
