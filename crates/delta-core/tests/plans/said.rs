use std::sync::Arc;

use delta_core::plan::{InformInput, InformPolicy, Source};
use delta_core::transition::Relation;
use delta_core::{Deleted, Existing, Missing, Name, Priority, ResolvedOptions, Retention, SecondChance, Timestamp};

use crate::rows::{POLICY, at, key, metadata, object, tags, trace};

/// An inform, and how its object stands to the stored one, by hand.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) input: InformInput,
    pub(crate) relation: Relation,
}

/// A caller informs the stored object.
pub(crate) fn caller_same() -> Said {
    said(Source::Caller, 1, Relation::Unchanged)
}

/// A caller informs another object.
pub(crate) fn caller_new() -> Said {
    said(Source::Caller, 2, Relation::Changed)
}

/// A caller informs an object that says it is older.
pub(crate) fn caller_older() -> Said {
    said(Source::Caller, 2, Relation::Changed).older()
}

/// An informer gives the stored object.
pub(crate) fn informer_same() -> Said {
    said(Source::Informer, 1, Relation::Unchanged)
}

/// An informer gives another object.
pub(crate) fn informer_new() -> Said {
    said(Source::Informer, 2, Relation::Changed)
}

/// An informer gives an object that says it is older.
pub(crate) fn informer_older() -> Said {
    said(Source::Informer, 2, Relation::Changed).older()
}

fn said(source: Source, version: u32, relation: Relation) -> Said {
    let options = ResolvedOptions {
        namespace: Name::new("shop").unwrap(),
        metadata: None,
        max_attempts: None,
        tags: None,
        priority: None,
        run_at: None,
        existing: Existing::Skip,
        deleted: Deleted::Revive,
    };
    let input = InformInput {
        key: key(),
        object: object(version),
        external_created_at: Some(at(-6000)),
        trace: Some(trace('2')),
        source,
        options,
        compare: None,
        policy: POLICY,
    };
    Said { input, relation }
}

impl Said {
    fn older(self) -> Self {
        self.compared(Relation::Older)
    }

    /// The kind compares by itself, and finds this.
    pub(crate) fn compared(mut self, relation: Relation) -> Self {
        self.input.compare = Some(Arc::new(move |_| Some(relation)));
        self.relation = relation;
        self
    }

    /// With "existing: process".
    pub(crate) fn process(mut self) -> Self {
        self.input.options.existing = Existing::Process;
        self
    }

    /// With "deleted: skip".
    pub(crate) fn skip_deleted(mut self) -> Self {
        self.input.options.deleted = Deleted::Skip;
        self
    }

    pub(crate) fn run_at(mut self, at: Timestamp) -> Self {
        self.input.options.run_at = Some(at);
        self
    }

    pub(crate) fn priority(mut self, priority: Priority) -> Self {
        self.input.options.priority = Some(priority);
        self
    }

    pub(crate) fn tags(mut self, given: &[&str]) -> Self {
        self.input.options.tags = Some(tags(given));
        self
    }

    pub(crate) fn metadata(mut self, text: &str) -> Self {
        self.input.options.metadata = Some(metadata(text));
        self
    }

    pub(crate) fn max_attempts(mut self, max: Option<i64>) -> Self {
        self.input.options.max_attempts = Some(max);
        self
    }

    pub(crate) fn withhold_second_chance(self) -> Self {
        self.policy(InformPolicy { second_chance: SecondChance::Withhold, ..POLICY })
    }

    pub(crate) fn missing(self, missing: Missing) -> Self {
        self.policy(InformPolicy { missing, ..POLICY })
    }

    pub(crate) fn retention(self, retention: Retention) -> Self {
        self.policy(InformPolicy { retention, ..POLICY })
    }

    pub(crate) fn policy(mut self, policy: InformPolicy) -> Self {
        self.input.policy = policy;
        self
    }
}
