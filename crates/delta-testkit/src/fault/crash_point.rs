use std::fmt;
use std::str::FromStr;

use super::operation::Operation;

/// Where a process is killed: at the `nth` call of an operation.
///
/// Its text names it in one word: `commit:3:after`, `claim:1:before`, `commit:2:middle:1`.
///
/// # Examples
///
/// ```
/// use delta_testkit::fault::{CrashPoint, Operation, Side};
///
/// let point: CrashPoint = "commit:3:after".parse()?;
/// assert_eq!(point, CrashPoint { operation: Operation::Commit, nth: 3, side: Side::After });
/// assert_eq!(point.to_string(), "commit:3:after");
/// # Ok::<(), delta_testkit::fault::CrashPointError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrashPoint {
    /// Of which operation.
    pub operation: Operation,
    /// At which of its calls, from 1.
    pub nth: u64,
    /// On which side of the call.
    pub side: Side,
}

/// On which side of a call a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Before it has begun.
    Before,
    /// In its middle: what it has sent is on its way. A call that is done sooner is killed at its end.
    Middle {
        /// How often its future is polled before.
        polls: u32,
    },
    /// After it is done, and before its answer is seen.
    After,
}

/// A text that names no crash point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPointError(String);

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, nth, side } = self;
        write!(f, "{operation}:{nth}:{side}")
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before => f.write_str("before"),
            Self::Middle { polls } => write!(f, "middle:{polls}"),
            Self::After => f.write_str("after"),
        }
    }
}

impl fmt::Display for CrashPointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(found) = self;
        write!(f, "expected <operation>:<nth>:before, :after or :middle:<polls>, found \"{found}\"")
    }
}

impl std::error::Error for CrashPointError {}

impl FromStr for CrashPoint {
    type Err = CrashPointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| CrashPointError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<CrashPoint> {
    let mut parts = text.splitn(3, ':');
    let operation = parts.next()?;
    let operation = Operation::ALL.into_iter().find(|known| known.as_str() == operation)?;
    let nth = parts.next()?.parse().ok().filter(|nth| *nth > 0)?;
    let side = match parts.next()? {
        "before" => Side::Before,
        "after" => Side::After,
        middle => Side::Middle { polls: middle.strip_prefix("middle:")?.parse().ok()? },
    };
    Some(CrashPoint { operation, nth, side })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_every_point_names_it() {
        for operation in Operation::ALL {
            for side in [Side::Before, Side::Middle { polls: 2 }, Side::After] {
                let point = CrashPoint { operation, nth: 17, side };
                assert_eq!(point.to_string().parse(), Ok(point));
            }
        }
    }

    #[test]
    fn a_text_that_names_no_point_is_told() {
        for text in ["", "commit", "commit:1", "commit:0:after", "commit:x:after", "comit:1:after", "commit:1:middle"] {
            let error = text.parse::<CrashPoint>().unwrap_err();
            assert!(error.to_string().ends_with(&format!("found \"{text}\"")), "{error}");
        }
    }
}
