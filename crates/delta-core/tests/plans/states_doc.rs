//! That `docs/states.md` shows the table as it is.

use std::fmt::Write;
use std::path::Path;

use delta_core::transition::{Condition, Effect, Input, Phase, ReportKind, Rule, TABLE, To, mermaid};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");
const REGENERATE: &str = "DELTA_BLESS=1 cargo test -p delta-core --test plans states_doc";

#[test]
fn the_document_shows_the_table_as_it_is() {
    let text = document();
    if std::env::var_os("DELTA_BLESS").is_some() {
        std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, &text).unwrap();
    }
    let found = std::fs::read_to_string(FILE).unwrap_or_default();
    let line = text.lines().zip(found.lines()).position(|(expected, found)| expected != found);
    assert!(
        found == text,
        "docs/states.md differs from the table, from line {line:?} on; write it anew by `{REGENERATE}`"
    );
}

#[test]
fn the_picture_moves_between_all_states_and_no_unknown_one() {
    let picture = mermaid();
    for state in ["[*]", "scheduled", "pending", "synced", "expired", "failed", "degraded", "deleted"] {
        assert!(picture.contains(&format!("    {state} --> ")), "nothing leaves {state}:\n{picture}");
        assert!(picture.contains(&format!(" --> {state}: ")), "nothing leads to {state}:\n{picture}");
    }
    assert!(!picture.contains("unknown"), "an unknown state moves:\n{picture}");
    assert!(picture.contains("    pending --> synced: settle (synced)\n"), "{picture}");
}

fn document() -> String {
    let mut text = format!(
        "# States

<!-- Generated from the transition table of delta-core; write it anew by:
     {REGENERATE} -->

A resource is in one of seven states. What may happen to it, and what comes of it, stands in one table,
`delta_core::transition::TABLE`, from which this page is made.

## The picture

Moves between different states. `[*]` is no row: yet to be informed, or purged. A settlement is labelled by what the
worker reports; `moved` means that the generation moved on while the attempt ran, whatever it reports.

```mermaid
{}```

A state of another version of Delta, which this version does not know, is left alone: never claimed, never changed.

## The table

The first row that fits is the one. \"Any\" is any of the seven states. What fits none is refused with an error that names the state, and nothing is written.
Every new generation begins at its first attempt and has an idempotency key of its own.

| from | input | when | to | what happens |
|---|---|---|---|---|
",
        mermaid()
    );
    for rule in TABLE {
        let when: Vec<String> = rule.when.iter().map(|&condition| condition_text(condition)).collect();
        let line =
            [from_text(rule.from), rule.input.as_str().to_owned(), when.join("; "), to_text(rule), effect_text(rule)];
        writeln!(text, "| {} |", line.join(" | ")).unwrap();
    }
    text
}

fn from_text(from: &[Phase]) -> String {
    let known = Phase::ALL.iter().filter(|&&phase| phase != Phase::None && phase != Phase::Unknown).count();
    let has = |phase| from.contains(&phase);
    match (from.len(), has(Phase::Deleted)) {
        (len, _) if len == Phase::ALL.len() => "any, or no row".to_owned(),
        (len, true) if len == known => "any".to_owned(),
        (len, false) if len == known - 1 => "any but deleted".to_owned(),
        _ => from.iter().map(|phase| phase.as_str()).collect::<Vec<_>>().join(", "),
    }
}

fn to_text(rule: &Rule) -> String {
    match rule.to {
        To::Phase(phase) => phase.as_str().to_owned(),
        To::ScheduledOrPending => "scheduled; what is pending stays so".to_owned(),
        To::Same => "same".to_owned(),
    }
}

fn condition_text(condition: Condition) -> String {
    match condition {
        Condition::Older => "the stored object is newer",
        Condition::Unchanged => "unchanged",
        Condition::Changed => "changed",
        Condition::NotMissingFound => "not (absent or deleted by missing, and informed by an informer)",
        Condition::Gone => "deleted or absent",
        Condition::SkipsDeleted => "by an informer, or by a caller who skips what is deleted",
        Condition::Absent => "absent",
        Condition::Present => "present",
        Condition::Process => "existing: process",
        Condition::SecondChance => "second chances are on",
        Condition::Due => "run_at has come",
        Condition::NotPaused => "not paused",
        Condition::Paused => "paused",
        Condition::LeaseHeld => "under the lease",
        Condition::LeaseOver => "the lease is over",
        Condition::CancelRequested => "a cancel was asked for",
        Condition::Moved => "the generation moved on",
        Condition::AttemptsLeft => "attempts are left",
        Condition::AskedByRequest => "asked for by a caller",
        Condition::AbsentByMissing => "absent by missing",
        Condition::DeletedByMissing => "deleted by missing",
        Condition::PeriodOver => "its expiry or retention is over",
        Condition::Reports(report) => return format!("reports {}", report_text(report)),
    }
    .to_owned()
}

fn report_text(report: ReportKind) -> &'static str {
    match report {
        ReportKind::Synced => "synced",
        ReportKind::Failed => "failed",
        ReportKind::Permanent => "failed for good",
        ReportKind::Delete => "gone",
        ReportKind::Snooze => "snooze",
        ReportKind::Released => "released",
    }
}

fn effect_text(rule: &Rule) -> String {
    match rule.effect {
        Effect::Reject => "refused",
        Effect::Create => "generation 1; `scheduled(created)`",
        Effect::Stale => "nothing is written; the inform answers stale",
        Effect::SkipDeleted => {
            "nothing is written, but a row past half its retention is touched; the inform answers skipped"
        }
        Effect::Revive => "present, generation + 1; `scheduled(revived)`",
        Effect::Change if rule.to == To::Phase(Phase::Pending) => {
            "generation + 1, run_at the earliest that was asked for; no event, and exactly one more run afterwards"
        }
        Effect::Change if rule.to == To::ScheduledOrPending => {
            "present, generation + 1, run_at as asked or now; `scheduled(changed)` unless pending"
        }
        Effect::Change => "present, generation + 1, run_at as asked or now; `scheduled(changed)`",
        Effect::Request => "generation + 1, run_at as asked or now; `scheduled(requested)` unless pending",
        Effect::SecondChance => "the same generation from its first attempt; `scheduled(second_chance)`",
        Effect::Unchanged => {
            "nothing is written, but labels that were given and differ, and a touch where the row ages"
        }
        Effect::Claim => "attempt + 1, a new lease; no event",
        Effect::Heartbeat => "the lease is renewed; no event",
        Effect::Rerun if rule.input == Input::Rescue => {
            "the error is recorded, run_at now; `failed`, `scheduled(rerun)`"
        }
        Effect::Rerun => "run_at as asked meanwhile, else now; the attempt's own event, then `scheduled(rerun)`",
        Effect::Synced => "synced_at, synced_generation; `synced`",
        Effect::Failed if rule.input == Input::Rescue => {
            "the lost attempt counts and is recorded, run_at now; `failed`"
        }
        Effect::Failed => "the error is recorded, run_at after the back-off; `failed`",
        Effect::GiveUp => "the error is recorded; `failed`",
        Effect::Deleted => "deleted_at, deleted_by whoever asked for absence, else the worker; `deleted`",
        Effect::Snooze => "the attempt is given back, run_at after the delay; `scheduled(snoozed)`",
        Effect::Release => "the attempt is given back, run_at now or a little later; `scheduled(released)`",
        Effect::Lost => "nothing is written; the answer is lost",
        Effect::Expire => "generation + 1, run_at now; `expired`, `scheduled(expired)`",
        Effect::Invalidate => "generation + 1, run_at now; `expired`, `scheduled(requested)`",
        Effect::Retry => "attempt 0, run_at now, generation + 1 only for a fresh idempotency key; `scheduled(retried)`",
        Effect::Cancel => "the error \"cancelled\" is recorded; `failed`",
        Effect::RequestCancel => "noted in the lease: the attempt ends within a heartbeat",
        Effect::Delete => "absent by whom asked, generation + 1, run_at now; `scheduled(deletion)` unless pending",
        Effect::TakeOverDeletion => "deleted by request from now on",
        Effect::Accept => "nothing is written",
        Effect::Missing => "generation + 1, run_at now; `scheduled(missing)`",
        Effect::Pause => "nobody claims it; `paused`",
        Effect::Resume => "it is claimed again; `resumed`",
        Effect::Purge => "the row is removed; `purged`",
    }
    .to_owned()
}
