use std::ops::Range;
use std::sync::Arc;

use delta::{Controller, State};
use delta_testkit::Harness;
use delta_testkit::harness::{Draw, Seen, Simulation};

use super::bank::Bank;
use super::charge::Charge;
use super::{keyed, looks_first};
use crate::guide::is_shown;

pub(crate) fn simulation<C: Controller>(seeds: Range<u64>, charges: fn(Arc<Bank>) -> C) -> Simulation<Bank> {
    Harness::simulate(seeds)
        .world(Bank::new)
        .controller(move |bank| charges(bank.clone()))
        .informs(|draw: &mut Draw| {
            let order = draw.below(5);
            Charge { order: format!("o-{order}"), cents: 100 + order }
        })
        .invariant("no order is paid for twice", |bank: &Bank, _: &Seen| {
            match bank.paid().into_iter().find(|(_, times)| *times > 1) {
                Some((order, times)) => Err(format!("{order} was paid for {times} times")),
                None => Ok(()),
            }
        })
        .at_rest("what is synced is paid for", |bank: &Bank, seen: &Seen| {
            let paid = bank.paid();
            let synced = seen.resources::<Charge>().into_iter().filter(|charge| charge.state == State::Synced);
            match synced.into_iter().find(|charge| !paid.contains_key(&charge.object.order)) {
                Some(charge) => Err(format!("{} is synced, and nobody has paid", charge.key)),
                None => Ok(()),
            }
        })
}

#[test]
fn a_bank_that_knows_the_key_is_never_told_to_charge_twice() {
    let report = simulation(0..500, |bank| keyed::Charges { bank }).run();
    assert!(report.faults_of("outside-loses-answer") > 50, "{report}");
}

#[test]
fn looking_first_charges_twice_where_an_answer_is_lost() {
    let failure = simulation(0..20, |bank| looks_first::Charges { bank }).check().unwrap_err();
    assert_eq!(failure.violation.invariant, "no order is paid for twice");
    let faults: Vec<&str> = failure.timeline.lines().filter(|line| line.contains("FAULT")).collect();
    let [fault] = &faults[..] else { panic!("expected one fault, found {faults:?}") };
    assert!(fault.contains("outside-loses-answer: charge "), "{fault}");
    is_shown(&failure.timeline);
}
