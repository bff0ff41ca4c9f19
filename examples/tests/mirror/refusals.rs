use std::fs;
use std::process::Command;

use crate::program::{Place, Run, program, wait_until};

#[test]
fn a_source_that_looks_empty_or_lost_too_much_removes_nothing() {
    let place = Place::new();
    for number in 0..100 {
        place.write(&number.to_string(), "x");
    }
    place.mirror(&[]);
    let before = place.target_snapshot();
    for number in 0..30 {
        fs::remove_file(place.source().join(number.to_string())).unwrap();
    }
    let lost = place.run(&[]);
    assert_eq!(lost.code, 4, "{lost:?}");
    assert!(lost.err.contains("found 30: nothing is deleted") && lost.err.contains("--max-delete"), "{lost:?}");
    assert_eq!(place.target_snapshot().len(), before.len());
    place.mirror(&["--max-delete", "0.5"]);
}

#[test]
fn even_a_small_tree_is_not_emptied() {
    let place = Place::new();
    place.write("a", "x");
    place.write("b", "x");
    place.mirror(&[]);
    fs::remove_file(place.source().join("a")).unwrap();
    fs::remove_file(place.source().join("b")).unwrap();
    let empty = place.run(&[]);
    assert_eq!(empty.code, 4, "{empty:?}");
    assert!(empty.err.contains("the source looks empty"), "{empty:?}");
    assert_eq!(place.target_snapshot().len(), 3);
    place.mirror(&["--max-delete", "1.0"]);
}

#[test]
fn directories_that_cannot_be_used_are_refused_with_code_2() {
    let place = Place::new();
    place.write("d/f", "x");
    let run =
        |source: &str, target: &str| Run::of(Command::new(program()).current_dir(place.path()).args([source, target]));
    for (source, target, expected) in [
        ("nowhere", "target", "nowhere: No such file"),
        ("source/d/f", "target", "expected a directory"),
        ("source", "source/d/target", "outside of each other"),
        ("source/d", "source", "outside of each other"),
        ("source", "source", "outside of each other"),
        ("source", "source/d/f/target", "source/d/f/target"),
    ] {
        let run = run(source, target);
        assert_eq!(run.code, 2, "{source} {target}: {run:?}");
        assert!(run.err.contains(expected), "{source} {target}: {run:?}");
    }
    let url = place.run(&["--url", "mysql://u:secret@h/d"]);
    assert_eq!(url.code, 2, "{url:?}");
    assert!(url.err.contains("found the scheme \"mysql\"") && !url.err.contains("secret"), "{url:?}");
    let server = place.run(&["--url", "postgres://u:secret@127.0.0.1:1/d"]);
    assert_eq!(server.code, 3, "{server:?}");
    assert!(!server.err.contains("secret"), "{server:?}");
}

#[test]
fn a_target_of_somebody_else_is_left_alone() {
    let place = Place::new();
    place.write("f", "x");
    fs::create_dir(place.target()).unwrap();
    fs::write(place.target().join("mine"), "precious").unwrap();
    let run = place.run(&[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("expected an empty directory"), "{run:?}");
    assert_eq!(place.target_snapshot().len(), 2);
}

#[test]
fn two_mirrors_do_not_work_on_one_target() {
    let place = Place::new();
    place.write("f", "x");
    let first = place.start(&["--watch"]);
    wait_until("the first copy", || place.target().join("f").is_file());
    let second = place.run(&[]);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.err.contains("another mirror is at work"), "{second:?}");
    first.signal("-INT");
    assert_eq!(first.wait().code, 0);
}
