use std::ops::Deref;

use delta_core::plan::InformOutcome;
use delta_core::{Error, ErrorKind, Object, ResourceId};

/// A resource with its object decoded. Everything else of the stored record is reached by deref.
#[derive(Clone, Debug)]
pub struct Resource<T> {
    /// The object.
    pub object: T,
    row: delta_core::Resource,
}

impl<T: Object> Resource<T> {
    /// Decodes a stored record.
    ///
    /// # Errors
    ///
    /// `Corrupt` if the stored object does not decode into the type: it was written by another version of the program.
    pub fn decode(row: delta_core::Resource) -> Result<Self, Error> {
        match object(&row) {
            Ok(object) => Ok(Self { object, row }),
            Err(error) => Err(error),
        }
    }

    /// Decodes a stored record, and takes it if it decodes: whatever happens otherwise, a panic too, leaves it there.
    pub(crate) fn take(row: &mut Option<delta_core::Resource>) -> Result<Option<Self>, Error> {
        let object = row.as_ref().map(object).transpose()?;
        Ok(object.zip(row.take()).map(|(object, row)| Self { object, row }))
    }

    /// The stored record.
    #[must_use]
    pub fn row(&self) -> &delta_core::Resource {
        &self.row
    }
}

fn object<T: Object>(row: &delta_core::Resource) -> Result<T, Error> {
    let text = row.detail.as_ref().map_or("", |detail| &*detail.object);
    serde_json::from_str(text).map_err(|error| Error::new(ErrorKind::Corrupt, format!("decode {}", row.key), error))
}

impl<T> Deref for Resource<T> {
    type Target = delta_core::Resource;

    fn deref(&self) -> &delta_core::Resource {
        &self.row
    }
}

/// What an inform came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Informed {
    /// The resource.
    pub id: ResourceId,
    /// The generation it has now.
    pub generation: i64,
    /// What happened.
    pub outcome: InformOutcome,
}
