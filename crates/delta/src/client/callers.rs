use delta_core::plan::Source;
use delta_core::{
    Change, Changeset, Error, ErrorKind, InformOptions, Object, Outcome, Rejection, Result, Session, WakeUp, plan,
};

use crate::action::Action;
use crate::client::{AnyClient, SettleOutcome, Wake};
use crate::engine::{Kind, Transaction};
use crate::inform::{Inform, Mention};
use crate::resource::{Informed, Resource};

/// What is done on a caller's connection, whatever driver that is of.
impl AnyClient {
    pub(crate) async fn inform_session<T: Object, I: Into<Inform<T>>>(
        &self,
        session: &mut dyn Session,
        objects: impl IntoIterator<Item = I>,
        wake: WakeUp,
    ) -> Result<(Vec<Result<Informed, Rejection>>, Wake)> {
        let engine = &self.engine;
        let mentions = objects.into_iter().map(|object| Mention::new(object.into())).collect::<Result<Vec<_>, _>>()?;
        for mention in &mentions {
            engine.resolve(mention, &InformOptions::new())?;
        }
        let now = engine.now(session).await?;
        engine.refresh_policies(session, now).await?;
        let inputs = engine.inform_inputs(mentions, &InformOptions::new(), Source::Caller)?;
        let batch = engine.inform(session, &inputs, now, Transaction::Callers(wake)).await?;
        Ok((batch.answers, Wake { client: self.clone(), lanes: batch.woken, appended: batch.appended }))
    }

    pub(crate) async fn settle_session<T: Object>(
        &self,
        session: &mut dyn Session,
        resource: &Resource<T>,
        action: Action,
    ) -> Result<SettleOutcome> {
        let engine = &self.engine;
        let kind: Option<&Kind> = engine.kinds.get(&resource.key.kind).map(|kind| &**kind);
        let report = kind.and_then(|kind| engine.report(kind, resource.attempt, Ok(action)));
        let report = report.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "settle", "expected an action other than Settled, of a registered kind")
        })?;
        let now = engine.now(session).await?;
        let objects = engine.kind_settings(&resource.key.kind).event_objects;
        let change: Change = plan::settle(resource.row(), &report, objects, now)?;
        let changes = Changeset { changes: vec![change], ..Changeset::new(now) };
        let receipt = session.commit_dyn(&changes).await?;
        Ok(match receipt.outcomes.first() {
            Some(Outcome::Applied(_)) => SettleOutcome::Settled,
            _ => SettleOutcome::Lost,
        })
    }
}
