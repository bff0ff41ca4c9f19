use std::fmt;
use std::time::Duration;

use delta::ConsumeSummary;

use crate::mailer::Mails;
use crate::service::Taken;
use crate::shipper::Carrier;
use crate::shop::Totals;

/// What the program says at its end.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) taken: Taken,
    pub(crate) totals: Totals,
    pub(crate) mails: Mails,
    pub(crate) carrier: Carrier,
    /// What each member of the mailer did.
    pub(crate) mailers: Vec<ConsumeSummary>,
    pub(crate) shipper: ConsumeSummary,
    pub(crate) elapsed: Duration,
}

impl Summary {
    /// Whether every order was mailed, booked once, and shipped.
    pub(crate) fn is_right(&self) -> bool {
        let (_, disorderly) = self.mails.count();
        self.mails.are_about(&self.taken)
            && disorderly == 0
            && self.totals.agree()
            && self.carrier.lacks(&self.taken.placed).is_empty()
            && self.shipper.dead_lettered == self.shipper.replayed
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taken { placed, cancelled, undone } = &self.taken;
        writeln!(
            f,
            "the service took {} orders, {} of them cancelled later; {undone} it undid",
            placed.len(),
            cancelled.len()
        )?;
        let shares: Vec<_> = self.mailers.iter().map(|member| member.handled.to_string()).collect();
        let (mails, disorderly) = self.mails.count();
        writeln!(
            f,
            "mailer: {mails} mails, sent by {} members ({}); out of order: {disorderly}",
            shares.len(),
            shares.join(" + ")
        )?;
        let Totals { orders, ordered, entries, booked, .. } = self.totals;
        writeln!(f, "ledger: {entries} entries that come to {booked}; the {orders} orders come to {ordered}")?;
        writeln!(
            f,
            "shipper: {} shipped at once, {} after they were dead letters; the carrier refused {}",
            self.shipper.handled,
            self.shipper.replayed,
            self.carrier.refused()
        )?;
        let verdict =
            if self.is_right() { "every order was mailed, booked once, and shipped" } else { "SOMETHING IS WRONG" };
        writeln!(f, "{verdict}, in {:.1} s", self.elapsed.as_secs_f64())
    }
}
