use std::cmp::Ordering;
use std::sync::Arc;

use delta_core::plan::Comparison;
use delta_core::transition::Relation;
use delta_core::{CanonicalObject, InformOptions, Invalid, Name, Object, ObjectId, Timestamp, Trace};

/// An object to inform, with options of this one call.
///
/// # Examples
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// use delta::{Inform, InformOptions, Object};
///
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct Customer { id: String }
/// # impl Object for Customer {
/// #     const KIND: &'static str = "customer";
/// #     fn id(&self) -> String { self.id.clone() }
/// # }
/// let customer = Customer { id: "c1".into() };
/// let inform = Inform::new(customer).options(InformOptions::new().namespace("eu").priority(1));
/// ```
#[derive(Clone, Debug)]
pub struct Inform<T> {
    pub(crate) object: T,
    pub(crate) options: InformOptions,
    pub(crate) trace: Option<String>,
}

impl<T: Object> Inform<T> {
    /// An object without options.
    pub fn new(object: T) -> Self {
        Self { object, options: InformOptions::new(), trace: None }
    }

    /// Options of this call; none by default.
    #[must_use]
    pub fn options(mut self, options: InformOptions) -> Self {
        self.options = options;
        self
    }

    /// The W3C `traceparent` that the work and the events of this inform join; none by default.
    #[must_use]
    pub fn trace(mut self, traceparent: impl Into<String>) -> Self {
        self.trace = Some(traceparent.into());
        self
    }
}

impl<T: Object> From<T> for Inform<T> {
    fn from(object: T) -> Self {
        Self::new(object)
    }
}

impl<T: Object + Clone> From<&T> for Inform<T> {
    fn from(object: &T) -> Self {
        Self::new(object.clone())
    }
}

/// An object that an informer mentions, without its type: what layers see.
pub struct Mention {
    pub(crate) kind: Name,
    pub(crate) object_id: ObjectId,
    pub(crate) object: CanonicalObject,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) trace: Option<Trace>,
    /// Those of the call and of the object.
    pub(crate) options: InformOptions,
    pub(crate) compare: Option<Comparison>,
}

impl Mention {
    pub(crate) fn new<T: Object>(inform: Inform<T>) -> Result<Self, Invalid> {
        let Inform { object, options, trace } = inform;
        let compares = object.compare(&object).is_some();
        Ok(Self {
            kind: Name::new(T::KIND)?,
            object_id: ObjectId::new(object.id())?,
            object: CanonicalObject::new(&object)?,
            created_at: object.created_at().map(|at| Timestamp::from(at).check("created at")).transpose()?,
            trace: trace.map(Trace::new).transpose()?,
            options: options.or(&object.inform_options()),
            compare: compares.then(|| comparison(object)),
        })
    }
}

fn comparison<T: Object>(object: T) -> Comparison {
    Arc::new(move |stored| {
        // What no longer decodes was written by another version of the program, which must be able to move on.
        let Ok(stored) = serde_json::from_str::<T>(stored) else { return Some(Relation::Changed) };
        object.compare(&stored).map(|ordering| match ordering {
            Ordering::Less => Relation::Older,
            Ordering::Equal => Relation::Unchanged,
            Ordering::Greater => Relation::Changed,
        })
    })
}
