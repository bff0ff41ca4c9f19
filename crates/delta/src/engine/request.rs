use std::sync::Arc;

use delta_core::{
    Access, Change, Changeset, Depth, Error, ErrorKind, Key, Lane, Load, LoadBy, Outcome, Rejection, Resource, Result,
    Scope, ScopeChange, ScopeWrite, Session, Timestamp,
};

use crate::engine::Engine;
use crate::engine::inform::woken;

/// How often a request is planned anew after it lost a race.
const ROUNDS: usize = 100;

/// What a request came to.
pub(crate) struct Requested {
    /// Where something became claimable.
    pub(crate) woken: Option<Lane>,
}

impl Engine {
    /// Loads a resource, has `decide` plan a change of it, and commits that; anew as long as others win.
    pub(crate) async fn request(
        self: &Arc<Self>,
        session: &mut dyn Session,
        key: &Key,
        now: Timestamp,
        decide: impl Fn(Resource) -> Result<Option<Change>, Rejection> + Send,
    ) -> Result<Requested> {
        let load = Load { by: LoadBy::Keys(vec![key.clone()]), depth: Depth::Head, access: Access::Read };
        for _ in 0..ROUNDS {
            let row = session.load_dyn(&load).await?.pop().ok_or(Rejection::NotFound)?;
            let Some(change) = decide(row)? else { return Ok(Requested { woken: None }) };
            let lane = woken(&change, now);
            let mut changes = Changeset { changes: vec![change], ..Changeset::new(now) };
            let receipt = self.commit(session, &mut changes).await?;
            if let Some(Outcome::Applied(_)) = receipt.outcomes.first() {
                return Ok(Requested { woken: lane });
            }
        }
        Err(Error::new(ErrorKind::Conflict, "request", format!("{key} was written by others {ROUNDS} times in a row")))
    }

    /// Writes what is stored about a kind or a namespace.
    pub(crate) async fn write_scope(
        self: &Arc<Self>,
        session: &mut dyn Session,
        scope: Scope,
        write: ScopeWrite,
        now: Timestamp,
    ) -> Result<()> {
        let scopes = vec![ScopeChange { scope, write }];
        self.commit(session, &mut Changeset { scopes, ..Changeset::new(now) }).await.map(|_| ())
    }
}
