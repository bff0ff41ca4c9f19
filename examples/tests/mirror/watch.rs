use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::program::{Place, wait_until};

#[test]
fn a_watch_keeps_in_step_until_it_is_interrupted() {
    let place = Place::new();
    place.write("d/f", "x");
    place.write("g", "x");
    let running = place.start(&["--watch", "--interval", "0.2"]);
    let in_step = || place.source_snapshot() == place.target_snapshot();
    wait_until("the first copy", in_step);
    place.write("d/new", "x");
    wait_until("a new file", in_step);
    fs::write(place.source().join("g"), "changed").unwrap();
    fs::remove_dir_all(place.source().join("d")).unwrap();
    wait_until("a change and a removal", in_step);
    running.signal("-INT");
    let run = running.wait();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!((run.count("copied"), run.count("removed")), (4, 3), "{run:?}");
}

#[test]
fn a_file_that_is_written_all_the_time_ends_as_it_is_left() {
    let place = Place::new();
    place.write("log", "");
    place.write("f", "x");
    let running = place.start(&["--watch", "--interval", "0.2"]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = OpenOptions::new().append(true).open(place.source().join("log")).unwrap();
            while !over.load(Ordering::Relaxed) {
                log.write_all(&[b'x'; 4096]).unwrap();
                std::thread::yield_now();
                if log.metadata().unwrap().len() > 64 << 20 {
                    log.set_len(0).unwrap();
                }
            }
        });
        wait_until("the other file", || place.target().join("f").is_file());
        over.store(true, Ordering::Relaxed);
    });
    wait_until("the log", || place.source_snapshot() == place.target_snapshot());
    running.signal("-INT");
    let run = running.wait();
    // 130 if the file was to be looked at once more.
    assert!([0, 130].contains(&run.code), "{run:?}");
}

#[test]
fn an_interrupted_run_says_so_and_goes_on_when_it_is_run_again() {
    let place = Place::new();
    for number in 0..2_000 {
        place.write(&format!("d{}/{number}", number % 50), number.to_string());
    }
    let running = place.start(&[]);
    wait_until("the first files", || place.target().join("d0").is_dir());
    running.signal("-INT");
    let run = running.wait();
    assert_eq!(run.code, 130, "{run:?}");
    assert!(run.err.contains("run it again"), "{run:?}");
    let again = place.mirror(&[]);
    assert_eq!(run.count("copied") + again.count("copied"), 2_000, "{run:?} {again:?}");
}
