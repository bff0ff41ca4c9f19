//! That the hand-written cases cover the table, and that the table covers everything.

use std::collections::BTreeSet;

use delta_core::transition::{Effect, Facts, Input, Phase, Relation, ReportKind, Rule, TABLE, To, find};
use delta_core::{AbsentBy, DeletedBy};

use crate::case::Gives;
use crate::cases;
use crate::rows::NOW;

fn row_of_table(rule: &Rule) -> Option<usize> {
    TABLE.iter().position(|row| row == rule)
}

#[test]
fn every_row_of_the_table_is_exercised_by_a_hand_written_case() {
    let used: BTreeSet<usize> = cases().iter().filter_map(|case| row_of_table(case.rule())).collect();
    let unused: Vec<&Rule> =
        TABLE.iter().enumerate().filter(|(row, _)| !used.contains(row)).map(|(_, row)| row).collect();
    assert!(unused.is_empty(), "no case uses {unused:#?}");
}

#[test]
fn every_state_of_every_row_of_the_table_is_exercised() {
    let used: BTreeSet<_> =
        cases().iter().filter_map(|case| Some((row_of_table(case.rule())?, case.phase()))).collect();
    let missing: Vec<String> = TABLE
        .iter()
        .enumerate()
        .flat_map(|(number, rule)| rule.from.iter().map(move |&phase| (number, rule, phase)))
        .filter(|&(number, _, phase)| !used.contains(&(number, phase)))
        .filter(|(_, rule, phase)| every_facts_of(rule.input, *phase).any(|facts| find(rule.input, &facts) == *rule))
        .map(|(_, rule, phase)| format!("{} by {rule:?}", phase.as_str()))
        .collect();
    assert!(missing.is_empty(), "no case of {missing:#?}");
}

#[test]
fn every_state_meets_every_input() {
    let met: BTreeSet<(Phase, Input)> = cases().iter().map(|case| (case.phase(), case.input())).collect();
    for phase in Phase::ALL {
        for input in Input::ALL {
            assert!(met.contains(&(phase, input)), "no case of {} and {}", phase.as_str(), input.as_str());
        }
    }
}

#[test]
fn no_two_cases_have_one_name_state_and_input() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        assert!(seen.insert((case.name, case.phase(), case.input())), "{} twice", case.name);
    }
}

#[test]
fn no_two_rows_of_the_table_are_the_same() {
    for (number, rule) in TABLE.iter().enumerate() {
        assert_eq!(row_of_table(rule), Some(number), "{rule:?} twice");
    }
}

/// All facts that an input can meet in a phase.
fn every_facts_of(input: Input, phase: Phase) -> impl Iterator<Item = Facts> {
    const BITS: u32 = 11;
    let relations = [Relation::Older, Relation::Unchanged, Relation::Changed];
    let reports = [
        ReportKind::Synced,
        ReportKind::Failed,
        ReportKind::Permanent,
        ReportKind::Delete,
        ReportKind::Snooze,
        ReportKind::Released,
    ];
    let absent = [None, Some(AbsentBy::Request), Some(AbsentBy::Missing)];
    let deleted: &[Option<DeletedBy>] = if phase == Phase::Deleted {
        &[Some(DeletedBy::Worker), Some(DeletedBy::Request), Some(DeletedBy::Missing)]
    } else {
        &[None]
    };
    let relations = if input == Input::Inform { relations.to_vec() } else { vec![Relation::Changed] };
    let reports = if input == Input::Settle { reports.to_vec() } else { vec![ReportKind::Synced] };
    let mut all = Vec::new();
    for &relation in &relations {
        for &report in &reports {
            for absent_by in absent {
                for &deleted_by in deleted {
                    for bits in 0..1u32 << BITS {
                        let bit = |number: u32| bits & (1 << number) != 0;
                        all.push(Facts {
                            phase,
                            absent_by,
                            deleted_by,
                            paused: bit(0),
                            due: bit(1),
                            lease_over: bit(2),
                            cancel_requested: bit(9),
                            lease_held: bit(3),
                            moved: bit(4),
                            attempts_left: bit(5),
                            relation,
                            by_informer: bit(6),
                            skip_deleted: bit(7),
                            process_existing: bit(8),
                            second_chance: bit(9),
                            report,
                            asked_by: if bit(10) { AbsentBy::Missing } else { AbsentBy::Request },
                            period_over: bit(1),
                        });
                    }
                }
            }
        }
    }
    all.into_iter()
}

#[test]
fn every_fact_finds_a_rule_that_is_for_it() {
    for phase in Phase::ALL {
        for input in Input::ALL {
            for facts in every_facts_of(input, phase) {
                let rule = find(input, &facts);
                if rule.effect == Effect::Reject {
                    assert_eq!(rule.to, To::Same, "{input:?} {facts:?}");
                } else {
                    assert!(rule.fits(input, &facts), "{input:?} {facts:?} found {rule:?}");
                }
            }
        }
    }
}

#[test]
fn an_inform_is_refused_by_no_state_that_is_known() {
    for phase in Phase::ALL.into_iter().filter(|&phase| phase != Phase::Unknown) {
        for facts in every_facts_of(Input::Inform, phase) {
            assert_ne!(find(Input::Inform, &facts).effect, Effect::Reject, "{facts:?}");
        }
    }
}

#[test]
fn a_settlement_and_a_heartbeat_do_or_are_lost() {
    for phase in Phase::ALL {
        for input in [Input::Settle, Input::Heartbeat] {
            for facts in every_facts_of(input, phase) {
                let lost = find(input, &facts).effect == Effect::Lost;
                assert_eq!(lost, phase != Phase::Pending || !facts.lease_held, "{input:?} {facts:?}");
            }
        }
    }
}

#[test]
fn what_runs_and_moved_on_is_always_scheduled_again() {
    let moved = |facts: &Facts| facts.moved && facts.lease_held && facts.lease_over;
    for input in [Input::Settle, Input::Rescue] {
        for facts in every_facts_of(input, Phase::Pending).filter(moved) {
            assert_eq!(find(input, &facts).to, To::Phase(Phase::Scheduled), "{input:?} {facts:?}");
        }
    }
}

#[test]
fn an_unknown_state_is_never_changed() {
    for input in Input::ALL {
        for facts in every_facts_of(input, Phase::Unknown) {
            let rule = find(input, &facts);
            assert_eq!(rule.to, To::Same, "{input:?} {facts:?}");
            assert!(matches!(rule.effect, Effect::Reject | Effect::Lost), "{input:?} {facts:?}");
        }
    }
}

#[test]
fn an_unknown_state_is_refused_by_name_whatever_is_asked_of_it() {
    for case in cases().iter().filter(|case| case.phase() == Phase::Unknown) {
        match case.plan() {
            Gives::Refused(rejection) => {
                assert_eq!(rejection.state().map(delta_core::State::as_str), Some("archived"), "{}", case.name);
                assert!(rejection.to_string().contains("archived"), "{rejection}");
            }
            Gives::NotClaimed | Gives::Unplanned => {}
            other => panic!("{}: expected a rejection, found {other:?}", case.name),
        }
    }
}

#[test]
fn facts_of_a_key_without_a_row_are_those_of_nothing() {
    let facts = Facts::of(None, NOW);
    assert_eq!(facts.phase, Phase::None);
    assert!(!(facts.due || facts.paused || facts.lease_over || facts.lease_held || facts.moved || facts.attempts_left));
    assert_eq!((facts.absent_by, facts.deleted_by), (None, None));
}
