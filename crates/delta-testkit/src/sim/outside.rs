use std::fmt;
use std::time::Duration;

use super::fault::FaultId;
use super::store::sleep;
use super::world::Sim;
use crate::history::{Actor, What};

/// How a call of a simulated outside world failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideError {
    /// It was refused: nothing was done.
    Refused,
    /// There is no answer: whether it was done, the caller cannot know.
    NoAnswer,
}

impl fmt::Display for OutsideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the outside refused the call",
            Self::NoAnswer => "the outside gave no answer",
        })
    }
}

impl std::error::Error for OutsideError {}

/// What goes wrong with a call of the outside.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Refused,
    Late(Duration),
    DoneButLost,
    LostOnTheWay,
}

impl Sim {
    /// Calls a fake of the outside world, which answers, answers late, refuses, or does what it is asked and loses the answer,
    /// as the seed says. `done` is done at once, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`OutsideError`], none once the world [is calm](Self::is_calm).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the caller does not know whether it was done.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use delta_testkit::sim::{OutsideError, Sim};
    /// # async fn charge(sim: &Sim, ledger: &std::sync::Mutex<Vec<u64>>) -> Result<(), OutsideError> {
    /// sim.outside("charge", || ledger.lock().unwrap().push(42)).await
    /// # }
    /// ```
    pub async fn outside<T>(&self, what: &str, done: impl FnOnce() -> T) -> Result<T, OutsideError> {
        let actor = Actor::new("outside");
        let number = self.count(&actor, what);
        let mut draw = self.chance().draw(actor.as_str(), what, number);
        let takes = draw.up_to(Duration::from_millis(50));
        let mishap = draw.happens(self.rates().outside).then(|| match draw.below(4) {
            0 => Mishap::Refused,
            1 => Mishap::Late(Duration::from_millis(500 + draw.below(8_000))),
            2 => Mishap::LostOnTheWay,
            _ => Mishap::DoneButLost,
        });
        let mishap = mishap.filter(|_| self.hits(FaultId { actor: actor.clone(), what: what.to_owned(), number }));
        if let Some(mishap) = mishap {
            let kind = match mishap {
                Mishap::Refused => "outside-refuses",
                Mishap::Late(_) => "outside-late",
                Mishap::DoneButLost => "outside-loses-answer",
                Mishap::LostOnTheWay => "outside-never-hears",
            };
            self.record(&actor, What::Fault { kind: kind.to_owned(), what: format!("{what} {number}: {mishap:?}") });
        }
        sleep(takes).await;
        match mishap {
            Some(Mishap::Refused) => return Err(OutsideError::Refused),
            Some(Mishap::LostOnTheWay) => return Err(OutsideError::NoAnswer),
            _ => {}
        }
        let answer = done();
        match mishap {
            Some(Mishap::DoneButLost) => Err(OutsideError::NoAnswer),
            Some(Mishap::Late(late)) => {
                sleep(late).await;
                Ok(answer)
            }
            _ => {
                sleep(takes).await;
                Ok(answer)
            }
        }
    }
}
