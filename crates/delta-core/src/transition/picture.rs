use std::collections::BTreeMap;
use std::fmt::Write;

use crate::transition::rule::{Phase, To};
use crate::transition::table::TABLE;

/// Draws the table as a Mermaid state diagram, moves between different states only.
#[must_use]
pub fn mermaid() -> String {
    let mut arrows: BTreeMap<(Phase, Phase), Vec<&'static str>> = BTreeMap::new();
    for rule in TABLE {
        for &from in rule.from {
            let to = match rule.to {
                To::Phase(to) => to,
                To::ScheduledOrPending if from != Phase::Pending => Phase::Scheduled,
                To::ScheduledOrPending | To::Same => from,
            };
            let labels = arrows.entry((from, to)).or_default();
            if from != to && !labels.contains(&rule.input.as_str()) {
                labels.push(rule.input.as_str());
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
