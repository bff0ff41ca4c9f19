use delta_core::{
    Access, Cursor, CursorQuery, Depth, EventPage, EventQuery, Filter, Key, ListQuery, Load, LoadBy, LogHolder, Object,
    Result, ScopeRecord, Session, StateCount, Timestamp,
};

use crate::client::AnyClient;
use crate::engine::Engine;
use crate::resource::Resource;

/// Reading.
impl AnyClient {
    /// Loads a resource with its object decoded.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Corrupt` if the object does not decode into `T`.
    pub async fn resource<T: Object>(&self, key: &Key) -> Result<Option<Resource<T>>> {
        self.record(key).await?.map(Resource::decode).transpose()
    }

    /// Loads a resource as it is stored.
    pub async fn record(&self, key: &Key) -> Result<Option<delta_core::Resource>> {
        let load = Load { by: LoadBy::Keys(vec![key.clone()]), depth: Depth::Full, access: Access::Read };
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.load_dyn(&load).await;
        Ok(finish(session, result)?.pop())
    }

    /// Lists resources by id, page by page.
    pub async fn list(&self, query: &ListQuery) -> Result<Vec<delta_core::Resource>> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.list_dyn(query).await;
        finish(session, result)
    }

    /// Counts resources by lane and state.
    pub async fn count(&self, filter: &Filter) -> Result<Vec<StateCount>> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.count_dyn(filter).await;
        finish(session, result)
    }

    /// Reads a page of the event log.
    pub async fn events(&self, query: &EventQuery) -> Result<EventPage> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.events_dyn(query).await;
        finish(session, result)
    }

    /// What is stored about all kinds and namespaces.
    pub async fn scopes(&self) -> Result<Vec<ScopeRecord>> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.scopes_dyn().await;
        finish(session, result)
    }

    /// The transactions that hold the log's readers back, the oldest first.
    pub async fn log_holders(&self) -> Result<Vec<LogHolder>> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.log_holders_dyn().await;
        finish(session, result)
    }

    /// Reads cursors: the leader's term, the schedules of informers, the places of the log's consumers.
    pub async fn cursors(&self, query: &CursorQuery) -> Result<Vec<Cursor>> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.cursors_dyn(query).await;
        finish(session, result)
    }

    /// The database's time.
    pub async fn server_time(&self) -> Result<Timestamp> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = session.now_dyn().await;
        finish(session, result)
    }
}

fn finish<R>(session: Box<dyn Session>, result: Result<R>) -> Result<R> {
    Engine::release(session, result.as_ref().err());
    result
}
