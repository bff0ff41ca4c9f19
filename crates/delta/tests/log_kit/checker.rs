//! What must be true of a log and of those who read it, as functions of what was noted.

use std::collections::{BTreeMap, BTreeSet};

use delta::Position;

/// An event as somebody saw it: its place, and the label that its writer gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) position: Position,
    pub(crate) label: String,
}

/// What became of a consumer, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It started at this cursor.
    Began { cursor: Position },
    /// It started at the stored cursor, which was no lower than this: what it wrote before it crashed may yet have come.
    Resumed { cursor: Position },
    /// It was given an event.
    Handled(Seen),
}

/// What writers did: the labels of each transaction in the order in which they were appended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) committed: Vec<Vec<String>>,
    pub(crate) rolled_back: Vec<Vec<String>>,
}

/// The log holds what was committed and nothing else, each event once, and those of a transaction in their order.
pub(crate) fn check_log(log: &[Seen], written: &Written) -> Result<(), String> {
    if let Some((one, other)) = log.iter().zip(log.iter().skip(1)).find(|(one, other)| one.position >= other.position) {
        return Err(format!("the log is not in order: {one:?} before {other:?}"));
    }
    if let Some(first) = log.first().filter(|first| first.position <= Position::START) {
        return Err(format!("{first:?} stands where the log begins"));
    }
    let places: BTreeMap<&str, Position> = log.iter().map(|seen| (seen.label.as_str(), seen.position)).collect();
    if places.len() != log.len() {
        return Err(format!("{} events have {} labels", log.len(), places.len()));
    }
    if let Some(label) = written.rolled_back.iter().flatten().find(|label| places.contains_key(label.as_str())) {
        return Err(format!("{label} was rolled back, and is in the log"));
    }
    for transaction in &written.committed {
        let mut last = Position::START;
        for label in transaction {
            let Some(position) = places.get(label.as_str()) else {
                return Err(format!("{label} was committed, and is not in the log"));
            };
            if *position <= last {
                return Err(format!("{label} stands at {position}, not after the event before it, at {last}"));
            }
            last = *position;
        }
    }
    let committed: usize = written.committed.iter().map(Vec::len).sum();
    if committed != log.len() {
        return Err(format!("{committed} events were committed, and {} are in the log", log.len()));
    }
    Ok(())
}

/// Between two moves of its cursor by a restart, a consumer was given exactly the log's events from the cursor on; no cursor
/// was ahead of what had been handled; and in the end all was.
pub(crate) fn check_history(log: &[Seen], history: &[Step]) -> Result<(), String> {
    let mut handled: BTreeSet<Position> = BTreeSet::new();
    let mut rest: Option<&[Seen]> = None;
    let mut resumed = false;
    for step in history {
        match step {
            Step::Began { cursor } | Step::Resumed { cursor } => {
                let after = log.partition_point(|seen| seen.position <= *cursor);
                if let Some(missed) = log[..after].iter().find(|seen| !handled.contains(&seen.position)) {
                    return Err(format!("began after {cursor}, and {missed:?} had not been handled"));
                }
                rest = Some(&log[after..]);
                resumed = matches!(step, Step::Resumed { .. });
            }
            Step::Handled(seen) if resumed => {
                let Some(all) = rest else { return Err(format!("expected nothing yet, found {seen:?}")) };
                let passed = all.iter().take_while(|next| *next != seen).count();
                if let Some(missed) = all[..passed].iter().find(|missed| !handled.contains(&missed.position)) {
                    return Err(format!("began with {seen:?}, and {missed:?} had not been handled"));
                }
                let Some(others) = all.get(passed + 1..) else { return Err(format!("{seen:?} is not in the log")) };
                handled.insert(seen.position);
                rest = Some(others);
                resumed = false;
            }
            Step::Handled(seen) => match rest.and_then(<[Seen]>::split_first) {
                Some((expected, others)) if expected == seen => {
                    handled.insert(seen.position);
                    rest = Some(others);
                }
                Some((expected, _)) => return Err(format!("expected {expected:?}, found {seen:?}")),
                None => return Err(format!("expected nothing more, found {seen:?}")),
            },
        }
    }
    match log.iter().find(|seen| !handled.contains(&seen.position)) {
        Some(missed) => Err(format!("{missed:?} was never handled")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(position: i64) -> Seen {
        Seen { position: Position::new(position), label: format!("e{position}") }
    }

    fn log() -> Vec<Seen> {
        [1, 2, 5, 6].map(seen).to_vec()
    }

    fn labels(positions: &[i64]) -> Vec<String> {
        positions.iter().map(|position| format!("e{position}")).collect()
    }

    fn written() -> Written {
        Written { committed: vec![labels(&[2, 5]), labels(&[1]), labels(&[6])], rolled_back: vec![labels(&[3, 4])] }
    }

    fn began(cursor: i64) -> Step {
        Step::Began { cursor: Position::new(cursor) }
    }

    /// Where a run began, and what it was given.
    type Run<'a> = (i64, &'a [i64]);

    fn history(runs: &[Run<'_>]) -> Vec<Step> {
        let run = |(cursor, positions): &Run<'_>| {
            let handled = positions.iter().map(|position| Step::Handled(seen(*position)));
            std::iter::once(began(*cursor)).chain(handled).collect::<Vec<_>>()
        };
        runs.iter().flat_map(run).collect()
    }

    #[test]
    fn a_log_of_what_was_committed_is_right() {
        assert_eq!(check_log(&log(), &written()), Ok(()));
    }

    #[test]
    fn a_log_without_a_committed_event_is_wrong() {
        for missing in 0..4 {
            let mut log = log();
            let missed = log.remove(missing);
            let error = check_log(&log, &written()).unwrap_err();
            assert!(error.contains(&missed.label) && error.contains("not in the log"), "{error}");
        }
    }

    #[test]
    fn a_log_with_a_rolled_back_event_is_wrong() {
        let mut log = log();
        log.insert(2, seen(3));
        assert_eq!(check_log(&log, &written()).unwrap_err(), "e3 was rolled back, and is in the log");
    }

    #[test]
    fn a_log_with_an_event_of_nobody_is_wrong() {
        let mut log = log();
        log.push(seen(7));
        assert_eq!(check_log(&log, &written()).unwrap_err(), "4 events were committed, and 5 are in the log");
    }

    #[test]
    fn a_log_that_is_out_of_order_is_wrong() {
        let mut swapped = log();
        swapped.swap(0, 1);
        assert!(check_log(&swapped, &written()).unwrap_err().contains("not in order"));
        let mut relabelled = log();
        relabelled[1].label = "e5".to_owned();
        relabelled[2].label = "e2".to_owned();
        let error = check_log(&relabelled, &written()).unwrap_err();
        assert!(error.contains("not after the event before it"), "{error}");
    }

    #[test]
    fn an_event_that_is_there_twice_is_wrong() {
        let mut log = log();
        log.push(Seen { position: Position::new(9), label: "e2".to_owned() });
        assert!(check_log(&log, &written()).unwrap_err().contains("labels"));
    }

    #[test]
    fn a_consumer_may_repeat_after_a_restart_what_its_cursor_had_not_passed() {
        let runs: [&[Run<'_>]; 6] = [
            &[(0, &[1, 2, 5, 6])],
            &[(0, &[1, 2]), (1, &[2, 5, 6])],
            &[(0, &[1, 2, 5]), (0, &[1]), (1, &[2, 5, 6])],
            &[(0, &[1, 2, 5]), (4, &[5, 6])],
            &[(0, &[]), (0, &[1, 2, 5, 6]), (6, &[])],
            &[(0, &[1, 2, 5, 6]), (7, &[])],
        ];
        for runs in runs {
            assert_eq!(check_history(&log(), &history(runs)), Ok(()), "{runs:?}");
        }
    }

    #[test]
    fn a_consumer_may_resume_behind_the_cursor_that_was_seen_but_not_behind_what_it_had_handled() {
        let resumed = |cursor: i64, runs: &[Run<'_>]| {
            let mut history = history(runs);
            let last = history.iter().rposition(|step| matches!(step, Step::Began { .. })).unwrap();
            history[last] = Step::Resumed { cursor: Position::new(cursor) };
            check_history(&log(), &history)
        };
        let handled: &[Run<'_>] = &[(0, &[1, 2, 5]), (0, &[5, 6])];
        assert_eq!(resumed(0, handled), Ok(()));
        assert_eq!(resumed(2, handled), Ok(()));
        assert_eq!(resumed(0, &[(0, &[1, 2, 5]), (0, &[6])]), Ok(()));
        assert_eq!(resumed(0, &[(0, &[1, 2, 5, 6]), (0, &[])]), Ok(()));
        let wrong: [(i64, &[Run<'_>]); 5] = [
            (5, handled),
            (0, &[(0, &[1]), (0, &[5, 6])]),
            (0, &[(0, &[1, 2]), (0, &[2, 6])]),
            (0, &[(0, &[1, 2, 5]), (0, &[7])]),
            (6, &[(0, &[1, 2, 5]), (0, &[6])]),
        ];
        for (cursor, runs) in wrong {
            assert!(resumed(cursor, runs).is_err(), "{cursor} {runs:?}");
        }
    }

    #[test]
    fn a_consumer_that_skipped_repeated_or_turned_back_is_seen() {
        let runs: [(&str, &[Run<'_>]); 9] = [
            ("the very first", &[(0, &[2, 5, 6])]),
            ("in the middle", &[(0, &[1, 5, 6])]),
            ("the last", &[(0, &[1, 2, 5])]),
            ("by a cursor ahead of what was handled", &[(0, &[1, 2]), (5, &[6])]),
            ("the first, by a cursor", &[(1, &[2, 5, 6])]),
            ("repeated in a run", &[(0, &[1, 2, 2, 5, 6])]),
            ("out of order", &[(0, &[1, 5, 2, 6])]),
            ("again though the cursor had passed it", &[(0, &[1, 2]), (2, &[2, 5, 6])]),
            ("a rolled-back one", &[(0, &[1, 2, 3, 5, 6])]),
        ];
        for (what, runs) in runs {
            assert!(check_history(&log(), &history(runs)).is_err(), "{what}: {runs:?}");
        }
        let other = Step::Handled(Seen { label: "another".to_owned(), ..seen(1) });
        assert!(check_history(&log()[..1], &[began(0), other]).is_err(), "another event in its place");
        assert!(check_history(&log()[..1], &[Step::Handled(seen(1))]).is_err(), "never began");
    }
}
