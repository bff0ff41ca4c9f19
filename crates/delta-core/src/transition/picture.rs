use std::collections::BTreeMap;
use std::fmt::Write;

use crate::transition::facts::ReportKind;
use crate::transition::rule::{Condition, Phase, Rule, To};
use crate::transition::table::TABLE;

/// Draws the table as a Mermaid state diagram, moves between different states only.
#[must_use]
pub fn mermaid() -> String {
    let mut arrows: BTreeMap<(Phase, Phase), Vec<String>> = BTreeMap::new();
    for rule in TABLE {
        for &from in rule.from {
            let to = match rule.to {
                To::Phase(to) => to,
                To::ScheduledOrPending if from != Phase::Pending => Phase::Scheduled,
                To::ScheduledOrPending | To::Same => from,
            };
            let labels = arrows.entry((from, to)).or_default();
            let label = label(rule);
            if from != to && !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    let name = |phase: Phase| if phase == Phase::None { "[*]" } else { phase.as_str() };
    let mut picture = String::from("stateDiagram-v2\n");
    for ((from, to), labels) in arrows.into_iter().filter(|(_, labels)| !labels.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(picture, "    {} --> {}: {}", name(from), name(to), labels.join(", "));
    }
    picture
}

/// The input, and what the end of an attempt reports: five arrows leave `pending` by it.
fn label(rule: &Rule) -> String {
    let detail = rule.when.iter().find_map(|condition| match condition {
        Condition::Moved => Some("moved"),
        Condition::Reports(report) => Some(match report {
            ReportKind::Synced => "synced",
            ReportKind::Failed => "failed",
            ReportKind::Permanent => "permanent",
            ReportKind::Delete => "delete",
            ReportKind::Snooze => "snooze",
            ReportKind::Released => "released",
        }),
        _ => None,
    });
    detail.map_or_else(|| rule.input.as_str().to_owned(), |detail| format!("{} ({detail})", rule.input.as_str()))
}
