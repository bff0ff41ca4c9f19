use delta_core::{Change, Changeset, Outcome, Receipt};

/// What a changeset asks for: its changes in their order, one word and the row each.
pub(super) fn asked(changes: &Changeset) -> String {
    let of = |change: &Change| match change {
        Change::Insert(insert) => format!("insert {}", insert.row.key),
        Change::Update(update) => format!("update {}", update.row.key),
        Change::Remove(remove) => format!("remove {}", remove.id),
        Change::Settle(settle) => format!("settle {}", settle.id),
        Change::Renew(renew) => format!("renew {}", renew.id),
    };
    let rows = changes.changes.iter().map(of);
    let cursors = changes.cursors.iter().map(|cursor| format!("cursor {}", cursor.name()));
    let scopes = changes.scopes.iter().map(|scope| format!("scope {}", scope.scope));
    rows.chain(cursors).chain(scopes).collect::<Vec<_>>().join(", ")
}

/// What became of a changeset: one word for each change, in their order.
pub(super) fn became(receipt: &Receipt) -> String {
    if let Some(cursor) = &receipt.lost_cursor {
        return format!("{LOST_CURSOR} {cursor}");
    }
    let words: Vec<_> = receipt.outcomes.iter().map(word).collect();
    words.join(", ")
}

/// How the answer begins that says that a cursor was lost.
pub(super) const LOST_CURSOR: &str = "lost cursor";

const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied(_) => "applied",
        Outcome::Stale => "stale",
        Outcome::Lost => "lost",
        Outcome::Busy => "busy",
    }
}

/// The answer that a call has whose caller is gone.
pub(super) const NOBODY: &str = "nobody waits for the answer any more";
