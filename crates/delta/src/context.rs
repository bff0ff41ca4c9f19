use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use delta_core::{Name, Timestamp};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::client::{AnyClient, Client};

/// What an attempt knows beside its resource.
#[derive(Clone, Debug)]
pub struct WorkContext {
    pub(crate) client: AnyClient,
    pub(crate) attempt: i64,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) cancellation: CancellationToken,
    pub(crate) idempotency_key: String,
}

impl WorkContext {
    /// The client, so that a worker can inform other objects.
    #[must_use]
    pub fn client(&self) -> &AnyClient {
        &self.client
    }

    /// The client with its store's type, for the worker's own transactions; `None` if the store is another.
    #[must_use]
    pub fn client_of<S: Any + Clone>(&self) -> Option<Client<S>> {
        self.client.typed()
    }

    /// Which attempt of this generation it is, from 1.
    #[must_use]
    pub fn attempt(&self) -> i64 {
        self.attempt
    }

    /// When the attempt is ended as timed out; `None` if it may take forever.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.deadline.map(Into::into)
    }

    /// Cancelled when the attempt is to end: by request, by a lost lease, or by a stop. The future is dropped then in any
    /// case; the token is for what the worker has spawned or blocks on.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// 64 hexadecimal digits, the same over all attempts of a generation and new for every generation: what an outside
    /// service wants in its `Idempotency-Key` header.
    ///
    /// SHA-256 over the resource's id, key and generation.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.idempotency_key
    }
}

pub(crate) fn idempotency_key(row: &delta_core::Resource) -> String {
    let digest = Sha256::digest(format!("{}\0{}\0{}", row.id, row.key, row.generation));
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What an informer is asked for. What labels, limit and order mean is the informer's own.
#[derive(Clone, Debug)]
pub struct InformContext {
    pub(crate) client: AnyClient,
    pub(crate) namespace: Name,
    pub(crate) after: Option<Timestamp>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) limit: Option<u64>,
    pub(crate) order: Option<String>,
    pub(crate) full: Arc<AtomicBool>,
    pub(crate) cancellation: CancellationToken,
}

impl InformContext {
    /// The client.
    #[must_use]
    pub fn client(&self) -> &AnyClient {
        &self.client
    }

    /// The client with its store's type; `None` if the store is another.
    #[must_use]
    pub fn client_of<S: Any + Clone>(&self) -> Option<Client<S>> {
        self.client.typed()
    }

    /// The namespace that the objects of this run go to, unless one says otherwise itself.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    /// Objects created (or changed) before this time are known already; inclusive, and with an overlap for clocks that
    /// differ. `None`: give everything.
    #[must_use]
    pub fn after(&self) -> Option<DateTime<Utc>> {
        self.after.map(Into::into)
    }

    /// Labels to select by.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// How many objects to give at most.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// In which order to give them.
    #[must_use]
    pub fn order(&self) -> Option<&str> {
        self.order.as_deref()
    }

    /// Whether the run is to mention everything that exists: what it does not mention is missing.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Declares that the run mentions everything that exists in its namespace, so that what it does not mention is missing
    /// once it has ended without error. May be called at any time before the stream ends.
    pub fn declare_full(&self) {
        self.full.store(true, Ordering::Relaxed);
    }

    /// Cancelled when the run is to end.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }
}
