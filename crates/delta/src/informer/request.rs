use std::sync::Arc;
use std::time::Duration;

use delta_core::plan::schedule;
use delta_core::{Access, Changeset, Error, ErrorKind, Name, Result};
use serde_json::value::to_raw_value;
use tokio_util::sync::CancellationToken;

use crate::client::{AnyClient, InformSummary, ScheduleInform};
use crate::clock::sleep;
use crate::engine::Engine;
use crate::informer::hold::{Hold, Occasion};
use crate::informer::run::Run;

/// How often a run in the foreground looks whether the one before it has ended.
const LOOK: Duration = Duration::from_millis(250);

/// Stores a request, for any client with a controller of the kind.
pub(crate) async fn request(engine: &Arc<Engine>, kind: &Name, request: &ScheduleInform) -> Result<()> {
    request.check()?;
    let request = to_raw_value(request).map_err(|error| Error::new(ErrorKind::Invalid, "schedule inform", error))?;
    let mut session = engine.session(Access::Write).await?;
    let result = async {
        let now = engine.now(&mut *session).await?;
        let cursors = vec![schedule::request(kind, engine.random.bits(), request, now)];
        engine.commit(&mut *session, &mut Changeset { cursors, ..Changeset::new(now) }).await
    }
    .await;
    Engine::release(session, result.as_ref().err());
    result.map(|_| ())
}

/// Runs an informer here, once no other run of the kind is on.
pub(crate) async fn run_here(client: &AnyClient, kind: &Name, request: &ScheduleInform) -> Result<InformSummary> {
    request.check()?;
    let engine = &client.engine;
    let kind = engine.kinds.get(kind).ok_or_else(|| {
        let what = format!("expected a kind with a controller in this client, found {kind}");
        Error::new(ErrorKind::Invalid, "schedule inform", what)
    })?;
    let run = Run::new(client, kind, request.clone())?;
    let hold = loop {
        if let Some(hold) = Hold::take(engine, kind, Occasion::Here).await? {
            break hold;
        }
        sleep(LOOK + engine.random.up_to(LOOK)).await;
    };
    run.run(hold, &CancellationToken::new()).await.map_err(|failure| failure.into_error(&kind.name))
}
