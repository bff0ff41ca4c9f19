use delta_core::{AttemptError, Change, LeaseWrite, Outcome, Renew, Resource, RunAt, Settle, State, Timestamp, Update};

/// What is left to say when the fence of a change does not hold; `None` if it holds. An insert's fence is its key, which
/// is not checked here.
pub(crate) fn lost_fence(change: &Change, row: Option<&Resource>) -> Option<Outcome> {
    let version = |version| row.is_some_and(|row| row.version == version);
    let lease = |token| {
        let pending = row.filter(|row| row.state == State::Pending);
        pending.and_then(|row| row.lease.as_ref()).filter(|lease| lease.token == token)
    };
    match change {
        Change::Insert(_) => None,
        Change::Update(update) => (!version(update.version)).then_some(Outcome::Stale),
        Change::Remove(remove) => (!version(remove.version)).then_some(Outcome::Stale),
        Change::Renew(renew) => lease(renew.token).is_none().then_some(Outcome::Lost),
        Change::Settle(settle) => {
            let over = |until: Timestamp| settle.over_at.is_none_or(|at| until <= at);
            (!lease(settle.token).is_some_and(|lease| over(lease.until))).then_some(Outcome::Lost)
        }
    }
}

/// The row after an update.
pub(crate) fn updated(row: &Resource, update: &Update) -> Resource {
    let mut after = Resource {
        id: row.id,
        key: row.key.clone(),
        lease: row.lease,
        version: row.version + 1,
        hash: row.hash,
        error_count: row.error_count,
        detail: row.detail.clone(),
        ..update.row.clone()
    };
    if let (LeaseWrite::RequestCancel, Some(lease)) = (update.lease, &mut after.lease) {
        lease.cancel_requested = true;
    }
    if let (Some(detail), Some(written)) = (&mut after.detail, &update.row.detail) {
        if update.write_object {
            detail.object = written.object.clone();
            after.hash = update.row.hash;
        }
        if update.write_tags {
            detail.tags = written.tags.clone();
        }
    }
    record(&mut after, update.error.as_ref());
    after
}

/// Whether the generation moved while the attempt ran.
pub(crate) fn has_moved(row: &Resource) -> bool {
    row.lease.is_some_and(|lease| lease.generation != row.generation)
}

/// The row after the end of its attempt.
pub(crate) fn settled(row: &Resource, settle: &Settle, now: Timestamp) -> Resource {
    let settlement = if has_moved(row) { &settle.moved } else { &settle.unmoved };
    let mut after = Resource {
        state: settlement.state.clone(),
        state_since: now,
        updated_at: now,
        lease: None,
        version: row.version + 1,
        run_at: match settlement.run_at {
            RunAt::Never => None,
            RunAt::At(at) => Some(at),
            RunAt::AskedOr(at) => Some(row.run_at.unwrap_or(at)),
        },
        ..row.clone()
    };
    if let Some(attempt) = settlement.attempt {
        after.attempt = attempt;
    }
    if let Some(generation) = settlement.synced_generation {
        after.synced_generation = generation;
        after.synced_at = Some(now);
    }
    if let Some(by) = settlement.deleted_by {
        after.deleted_by = Some(by);
        after.deleted_at = Some(now);
    }
    record(&mut after, settle.error.as_ref());
    after
}

/// The row after a heartbeat.
pub(crate) fn renewed(row: &Resource, renew: &Renew) -> Resource {
    let mut after = row.clone();
    if let Some(lease) = &mut after.lease {
        lease.until = renew.until;
    }
    after
}

fn record(row: &mut Resource, error: Option<&AttemptError>) {
    let (Some(error), Some(detail)) = (error, &mut row.detail) else { return };
    row.error_count += 1;
    detail.errors.push(error.clone());
    let surplus = detail.errors.len().saturating_sub(AttemptError::KEPT);
    detail.errors.drain(..surplus);
}
