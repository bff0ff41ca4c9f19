use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use delta_core::{Name, Names, Scope};

/// What a dialect numbers kinds and namespaces with.
pub(crate) trait Id: Copy + Debug + Eq + Hash {}

impl<I: Copy + Debug + Eq + Hash> Id for I {}

/// Kinds or namespaces, by name and by id.
#[derive(Clone, Debug)]
pub(crate) struct Table<I> {
    by_name: HashMap<Name, I>,
    by_id: HashMap<I, Name>,
}

impl<I> Default for Table<I> {
    fn default() -> Self {
        Self { by_name: HashMap::new(), by_id: HashMap::new() }
    }
}

impl<I: Id> Table<I> {
    pub(crate) fn id(&self, name: &Name) -> Option<I> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name(&self, id: I) -> Option<&Name> {
        self.by_id.get(&id)
    }
}

/// What is known of the kinds and namespaces of a database.
#[derive(Clone, Debug)]
pub(crate) struct Known<I> {
    pub(crate) kinds: Table<I>,
    pub(crate) namespaces: Table<I>,
}

impl<I> Default for Known<I> {
    fn default() -> Self {
        Self { kinds: Table::default(), namespaces: Table::default() }
    }
}

/// The one or the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Kinds,
    Namespaces,
}

/// A cache of [`Known`].
///
/// Ids are only handed out in transactions of their own, so whatever is seen of them is committed and stays: rows of
/// kinds and namespaces are never removed, nor numbered anew.
#[derive(Debug)]
pub(crate) struct NameCache<I>(RwLock<Arc<Known<I>>>);

impl<I> Default for NameCache<I> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<I: Id> NameCache<I> {
    pub(crate) fn known(&self) -> Arc<Known<I>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets everything: for a schema that was made anew.
    pub(crate) fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    pub(crate) fn add(&self, which: Which, found: Vec<(I, Name)>) {
        if found.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known).add(which, found);
    }
}

impl<I: Id> Known<I> {
    pub(crate) fn table(&self, which: Which) -> &Table<I> {
        match which {
            Which::Kinds => &self.kinds,
            Which::Namespaces => &self.namespaces,
        }
    }

    pub(crate) fn add(&mut self, which: Which, found: Vec<(I, Name)>) {
        let table = match which {
            Which::Kinds => &mut self.kinds,
            Which::Namespaces => &mut self.namespaces,
        };
        for (id, name) in found {
            table.by_name.insert(name.clone(), id);
            table.by_id.insert(id, name);
        }
    }

    pub(crate) fn scope_id(&self, scope: &Scope) -> Option<I> {
        match scope {
            Scope::Kind(name) => self.kinds.id(name),
            Scope::Namespace(name) => self.namespaces.id(name),
        }
    }

    /// A choice of names as ids: only these, all but these. What does not exist has no rows.
    pub(crate) fn choice(table: &Table<I>, names: &Names) -> (Option<Vec<I>>, Option<Vec<I>>) {
        let ids = |names: &BTreeSet<Name>| names.iter().filter_map(|name| table.id(name)).collect();
        match names {
            Names::All => (None, None),
            Names::Only(names) => (Some(ids(names)), None),
            Names::Except(names) => (None, Some(ids(names))),
        }
    }
}

/// Kinds and namespaces that a call speaks of.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) kinds: BTreeSet<&'a Name>,
    pub(crate) namespaces: BTreeSet<&'a Name>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn choices(kinds: &'a Names, namespaces: &'a Names) -> Self {
        let named = |names: &'a Names| match names {
            Names::All => BTreeSet::new(),
            Names::Only(names) | Names::Except(names) => names.iter().collect(),
        };
        Self { kinds: named(kinds), namespaces: named(namespaces) }
    }

    pub(crate) fn add_scope(&mut self, scope: &'a Scope) {
        match scope {
            Scope::Kind(name) => self.kinds.insert(name),
            Scope::Namespace(name) => self.namespaces.insert(name),
        };
    }

    pub(crate) fn unknown<I: Id>(&self, known: &Known<I>, which: Which) -> Vec<&'a str> {
        let wanted = match which {
            Which::Kinds => &self.kinds,
            Which::Namespaces => &self.namespaces,
        };
        wanted.iter().filter(|name| known.table(which).id(name).is_none()).map(|name| name.as_str()).collect()
    }
}

pub(crate) const BOTH: [Which; 2] = [Which::Kinds, Which::Namespaces];
