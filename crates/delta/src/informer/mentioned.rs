use std::collections::HashSet;

use delta_core::ObjectId;
use sha2::{Digest, Sha256};

/// The object ids that a run has mentioned, as 128-bit hashes: 16 MB per million, whatever the ids look like.
#[derive(Debug, Default)]
pub(super) struct Mentioned(HashSet<u128>);

impl Mentioned {
    pub(super) fn add(&mut self, id: &ObjectId) {
        self.0.insert(hash(id));
    }

    pub(super) fn contains(&self, id: &ObjectId) -> bool {
        self.0.contains(&hash(id))
    }
}

fn hash(id: &ObjectId) -> u128 {
    let digest: [u8; 32] = Sha256::digest(id.as_str()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}
