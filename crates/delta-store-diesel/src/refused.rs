use std::fmt;

use delta_core::{Error, ErrorKind};
use diesel::ConnectionError;
use diesel_async::pooled_connection::PoolError;

/// Why a connection could not be made, on its way through a pool, which knows diesel's errors only.
#[derive(Debug)]
pub(crate) struct Refused(Error);

impl Refused {
    pub(crate) fn into_connection_error(error: Error) -> ConnectionError {
        let carried = diesel::result::Error::QueryBuilderError(Box::new(Self(error)));
        ConnectionError::CouldntSetupConfiguration(carried)
    }

    /// What was sent along.
    pub(crate) fn kind_of(error: &PoolError) -> Option<(ErrorKind, String)> {
        match error {
            PoolError::ConnectionError(ConnectionError::CouldntSetupConfiguration(
                diesel::result::Error::QueryBuilderError(carried),
            )) => {
                let Self(error) = carried.downcast_ref()?;
                // The operation is another for whoever asked for the connection.
                let what = error.to_string();
                let own = format!("{}: {}: ", error.operation(), error.kind());
                Some((error.kind(), what.strip_prefix(&own).unwrap_or(&what).to_owned()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_and_a_reason_pass_through_a_pool() {
        let error = Error::new(ErrorKind::Unsupported, "connect", "too old");
        let carried = PoolError::ConnectionError(Refused::into_connection_error(error));
        assert_eq!(Refused::kind_of(&carried), Some((ErrorKind::Unsupported, "too old".to_owned())));
        assert_eq!(Refused::kind_of(&PoolError::QueryError(diesel::result::Error::NotFound)), None);
    }
}
