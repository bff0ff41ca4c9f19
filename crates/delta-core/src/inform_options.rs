use crate::invalid::Invalid;
use crate::labels::{Metadata, Tags};
use crate::name::Name;
use crate::resource::Priority;
use crate::timestamp::Timestamp;

/// How many attempts a generation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxAttempts {
    /// At most so many; at least 1.
    Limited(u32),
    /// As many as it takes.
    Unlimited,
}

impl MaxAttempts {
    /// What a new resource gets unless said otherwise: 10.
    pub const DEFAULT: Self = Self::Limited(10);

    /// As it is stored.
    #[must_use]
    pub fn stored(self) -> Option<i64> {
        match self {
            Self::Limited(max) => Some(i64::from(max)),
            Self::Unlimited => None,
        }
    }
}

/// What an inform does about an object that is unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Leaves it alone.
    #[default]
    Skip,
    /// Has it worked again.
    Process,
}

/// What an inform by a caller does about an object that is deleted, or is to be. Informers always skip what was deleted by
/// a worker or a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// Wants it back.
    #[default]
    Revive,
    /// Leaves it alone.
    Skip,
}

/// Options of an inform. What is not given is taken from the next in line (the call, then
/// [`Object::inform_options`](crate::Object::inform_options), then the kind's settings, then the client's), and is not
/// overwritten on a resource that exists.
///
/// # Examples
///
/// ```
/// use delta_core::{InformOptions, MaxAttempts};
///
/// let call = InformOptions::new().namespace("eu");
/// let kind = InformOptions::new().namespace("us").max_attempts(MaxAttempts::Limited(3));
/// let both = call.or(&kind);
/// assert_eq!(both.resolve().unwrap().namespace.as_str(), "eu");
/// assert_eq!(both.resolve().unwrap().max_attempts, Some(Some(3)));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InformOptions {
    namespace: Option<String>,
    metadata: Option<serde_json::Value>,
    max_attempts: Option<MaxAttempts>,
    tags: Option<Vec<String>>,
    priority: Option<u8>,
    run_at: Option<Timestamp>,
    existing: Option<Existing>,
    deleted: Option<Deleted>,
}

impl InformOptions {
    /// Nothing given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The namespace; `default` if nobody gives one.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// A JSON object to keep beside the object; `{}` if nobody gives one.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<serde_json::Value>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    /// How many attempts each generation may use; 10 if nobody says.
    #[must_use]
    pub fn max_attempts(mut self, max: MaxAttempts) -> Self {
        self.max_attempts = Some(max);
        self
    }

    /// Keywords, which replace those that are stored; none if nobody gives any.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// From 1 (first) to 4. If nobody says, a caller's new resource gets 2 and an informer's 3; and a caller's change
    /// takes a resource from 3 to 2, out of the bulk.
    #[must_use]
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// When to work it; at once if nobody says. What is scheduled already does not become later.
    #[must_use]
    pub fn run_at(mut self, run_at: impl Into<Timestamp>) -> Self {
        self.run_at = Some(run_at.into());
        self
    }

    /// What to do about an unchanged object; [`Existing::Skip`] if nobody says.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = Some(existing);
        self
    }

    /// What to do about a deleted object; [`Deleted::Revive`] if nobody says.
    #[must_use]
    pub fn deleted(mut self, deleted: Deleted) -> Self {
        self.deleted = Some(deleted);
        self
    }

    /// These options, and where they give nothing, the `next` in line.
    #[must_use]
    pub fn or(self, next: &Self) -> Self {
        Self {
            namespace: self.namespace.or_else(|| next.namespace.clone()),
            metadata: self.metadata.or_else(|| next.metadata.clone()),
            max_attempts: self.max_attempts.or(next.max_attempts),
            tags: self.tags.or_else(|| next.tags.clone()),
            priority: self.priority.or(next.priority),
            run_at: self.run_at.or(next.run_at),
            existing: self.existing.or(next.existing),
            deleted: self.deleted.or(next.deleted),
        }
    }

    /// Checks everything.
    pub fn resolve(&self) -> Result<ResolvedOptions, Invalid> {
        if self.max_attempts == Some(MaxAttempts::Limited(0)) {
            return Err(Invalid::new("max attempts", "at least 1, or unlimited", "0"));
        }
        Ok(ResolvedOptions {
            namespace: self.namespace.as_deref().map_or_else(|| Ok(Name::default_namespace()), Name::new)?,
            metadata: self.metadata.as_ref().map(Metadata::new).transpose()?,
            max_attempts: self.max_attempts.map(MaxAttempts::stored),
            tags: self.tags.as_ref().map(|tags| Tags::new(tags.iter().cloned())).transpose()?,
            priority: self.priority.map(Priority::new).transpose()?,
            run_at: self.run_at.map(|at| at.check("run at")).transpose()?,
            existing: self.existing.unwrap_or_default(),
            deleted: self.deleted.unwrap_or_default(),
        })
    }
}

/// Checked options of one inform; `None` is "not given".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedOptions {
    /// The namespace.
    pub namespace: Name,
    /// The metadata.
    pub metadata: Option<Metadata>,
    /// The attempts allowed; `Some(None)` is unlimited.
    pub max_attempts: Option<Option<i64>>,
    /// The tags.
    pub tags: Option<Tags>,
    /// The priority.
    pub priority: Option<Priority>,
    /// When to work it.
    pub run_at: Option<Timestamp>,
    /// What to do about an unchanged object.
    pub existing: Existing,
    /// What to do about a deleted object.
    pub deleted: Deleted,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> InformOptions {
        InformOptions::new()
            .namespace("eu")
            .metadata(serde_json::json!({"a": 1}))
            .max_attempts(MaxAttempts::Unlimited)
            .tags(["vip"])
            .priority(1)
            .run_at(Timestamp::from_micros(5))
            .existing(Existing::Process)
            .deleted(Deleted::Skip)
    }

    #[test]
    fn the_defaults_are_those_that_are_documented() {
        let resolved = InformOptions::new().resolve().unwrap();
        assert_eq!(resolved.namespace, Name::default_namespace());
        assert_eq!((resolved.existing, resolved.deleted), (Existing::Skip, Deleted::Revive));
        assert_eq!((resolved.priority, resolved.run_at, resolved.max_attempts), (None, None, None));
        assert_eq!((resolved.metadata, resolved.tags), (None, None));
        assert_eq!(MaxAttempts::DEFAULT.stored(), Some(10));
    }

    #[test]
    fn each_option_that_is_given_comes_before_the_next_in_line() {
        let other = InformOptions::new()
            .namespace("us")
            .metadata(serde_json::json!({"b": 2}))
            .max_attempts(MaxAttempts::Limited(3))
            .tags(["other"])
            .priority(4)
            .run_at(Timestamp::from_micros(9))
            .existing(Existing::Skip)
            .deleted(Deleted::Revive);
        assert_eq!(everything().or(&other), everything());
        assert_eq!(other.clone().or(&everything()), other);
        assert_eq!(InformOptions::new().or(&everything()), everything());
        assert_eq!(everything().or(&InformOptions::new()), everything());
    }

    #[test]
    fn every_option_arrives_when_it_resolves() {
        let resolved = everything().resolve().unwrap();
        assert_eq!((resolved.namespace.as_str(), resolved.max_attempts), ("eu", Some(None)));
        assert_eq!(resolved.metadata.unwrap().as_str(), r#"{"a":1}"#);
        assert_eq!(resolved.tags.unwrap().as_slice(), ["vip"]);
        assert_eq!((resolved.priority, resolved.run_at), (Some(Priority::FIRST), Some(Timestamp::from_micros(5))));
        assert_eq!((resolved.existing, resolved.deleted), (Existing::Process, Deleted::Skip));
    }

    #[test]
    fn a_wrong_option_is_named() {
        let field = |options: InformOptions| options.resolve().unwrap_err().field();
        assert_eq!(field(InformOptions::new().namespace("EU")), "name");
        assert_eq!(field(InformOptions::new().metadata(serde_json::json!([1]))), "metadata");
        assert_eq!(field(InformOptions::new().max_attempts(MaxAttempts::Limited(0))), "max attempts");
        assert_eq!(field(InformOptions::new().tags(["no spaces"])), "tag");
        assert_eq!(field(InformOptions::new().priority(5)), "priority");
    }
}
