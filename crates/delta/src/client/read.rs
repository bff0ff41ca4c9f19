use delta_core::{
    Access, Depth, EventPage, EventQuery, Filter, Key, ListQuery, Load, LoadBy, LogHolder, Object, Result, ScopeRecord,
    Session, StateCount, Timestamp,
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
        Ok(self.read(async |session| session.load_dyn(&load).await).await?.pop())
    }

    /// Lists resources by id, page by page.
    pub async fn list(&self, query: &ListQuery) -> Result<Vec<delta_core::Resource>> {
        self.read(async |session| session.list_dyn(query).await).await
    }

    /// Counts resources by lane and state.
    pub async fn count(&self, filter: &Filter) -> Result<Vec<StateCount>> {
        self.read(async |session| session.count_dyn(filter).await).await
    }

    /// Reads a page of the event log.
    pub async fn events(&self, query: &EventQuery) -> Result<EventPage> {
        self.read(async |session| session.events_dyn(query).await).await
    }

    /// What is stored about all kinds and namespaces.
    pub async fn scopes(&self) -> Result<Vec<ScopeRecord>> {
        self.read(async |session| session.scopes_dyn().await).await
    }

    /// The transactions that hold the log's readers back, the oldest first.
    pub async fn log_holders(&self) -> Result<Vec<LogHolder>> {
        self.read(async |session| session.log_holders_dyn().await).await
    }

    /// The database's time.
    pub async fn server_time(&self) -> Result<Timestamp> {
        self.read(async |session| session.now_dyn().await).await
    }

    async fn read<R>(&self, query: impl AsyncFnOnce(&mut dyn Session) -> Result<R>) -> Result<R> {
        let mut session = self.engine.session(Access::Read).await?;
        let result = query(&mut *session).await;
        Engine::release(session, result.as_ref().err());
        result
    }
}
