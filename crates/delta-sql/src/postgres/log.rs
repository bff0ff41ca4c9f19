use crate::SchemaName;

/// Which advisory locks are those of a log's appenders.
///
/// A lock's key is `space << 48 | position`: a single bigint, so that it never wraps and never meets the keys that
/// others make of two integers. The space is a hash of the schema's name, and odd; those of applications' tables are even,
/// and come from the table's own number. Where two logs of one database, or a log and a stranger's lock, share a space,
/// readers wait for locks that do not concern them: that is slow, never wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogSpace(u16);

impl LogSpace {
    /// The space of the log in a schema.
    pub(crate) fn of(schema: &SchemaName) -> Self {
        // FNV-1a, for it must be the same in every version of the program.
        let hash = schema
            .as_str()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        // Fifteen bits, so that no key is negative; not zero, which is what small keys of others have.
        Self((((hash >> 48) ^ (hash >> 16)) & 0x7fff) as u16 | 1)
    }

    /// The number of the space.
    pub(crate) fn number(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_small_positive_and_never_changes() {
        let delta = LogSpace::of(&SchemaName::default());
        assert_eq!(delta, LogSpace::of(&SchemaName::default()));
        assert_ne!(delta, LogSpace::of(&SchemaName::new("other").unwrap()));
        assert!((1..0x8000).contains(&delta.number()));
    }
}
