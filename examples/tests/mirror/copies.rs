use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

use crate::program::{Place, Run, program};

fn set_modified(path: &Path, nanos: u64) {
    File::open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_tree_is_copied_exactly_and_then_left_alone() {
    let place = Place::new();
    let source = place.source();
    place.write("empty", "");
    place.write("large", vec![7; 9 << 20]);
    place.write("a b/ünïcödé/line\nbreak", "x");
    place.write("-dash/.hidden", "x");
    place.write(&format!("{}/{}/deep", "d".repeat(200), "e".repeat(200)), "x");
    for number in 0..50 {
        place.write(&format!("many/{number}"), number.to_string());
    }
    place.write("read only/f", "x");
    place.write("run", "#!/bin/sh");
    symlink("many/7", source.join("link")).unwrap();
    symlink("no where", source.join("dangling")).unwrap();
    symlink("many", source.join("to a directory")).unwrap();
    symlink(OsStr::from_bytes(b"not \xff utf-8"), source.join("odd target")).unwrap();
    fs::create_dir(source.join("empty directory")).unwrap();
    set_modified(&source.join("run"), 1_000_000_000_123_456_789);
    set_modified(&source.join("many"), 1);
    set_mode(&source.join("run"), 0o751);
    set_mode(&source.join("empty"), 0o400);
    set_mode(&source.join("read only"), 0o555);
    set_mode(&source.join("empty directory"), 0o1777);
    set_mode(&source, 0o750);
    set_modified(&source, 999_999_999);

    let first = place.mirror(&[]);
    let files = 57;
    assert_eq!((first.count("copied"), first.count("removed")), (files, 0), "{first:?}");
    let second = place.mirror(&[]);
    assert_eq!((second.count("copied"), second.count("seen")), (0, first.count("seen")), "{second:?}");
}

#[test]
fn what_has_no_copy_is_listed_with_exit_code_1() {
    let place = Place::new();
    place.write("f", "x");
    assert!(Command::new("mkfifo").arg(place.source().join("pipe")).status().unwrap().success());
    let _listener = UnixListener::bind(place.source().join("socket")).unwrap();
    fs::write(place.source().join(OsStr::from_bytes(b"not \xff utf-8")), "x").unwrap();
    let run = place.run(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    for line in ["\"pipe\": it is a pipe, which has no copy", "\"socket\": it is a socket", "not \\xFF utf-8", ": 2\n"]
    {
        assert!(run.out.contains(line), "{line}: {run:?}");
    }
    let names: Vec<_> = fs::read_dir(place.target()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["f"]);

    for path in fs::read_dir(place.source()).unwrap().map(|entry| entry.unwrap().path()) {
        if path.file_name() != Some(OsStr::new("f")) {
            fs::remove_file(path).unwrap();
        }
    }
    place.mirror(&[]);
}

#[test]
fn what_may_not_be_read_is_listed_and_nothing_is_removed() {
    let place = Place::new();
    for path in ["gone", "secret", "closed/f", "open/f"] {
        place.write(path, "x");
    }
    // Root may read everything: the program runs as somebody else then, who needs a copy of it in reach.
    let copy = place.path().join("mirror");
    fs::copy(program(), &copy).unwrap();
    set_mode(place.path(), 0o777);
    let run = || {
        let mut command = Command::new(&copy);
        command.arg(place.source()).arg(place.target()).stdin(Stdio::null());
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        Run::of(&mut command)
    };
    let first = run();
    assert_eq!(first.code, 0, "{first:?}");
    place.assert_exact();

    fs::remove_file(place.source().join("gone")).unwrap();
    fs::write(place.source().join("secret"), "longer").unwrap();
    fs::write(place.source().join("open/f"), "longer").unwrap();
    set_mode(&place.source().join("secret"), 0);
    set_mode(&place.source().join("closed"), 0);
    let second = run();
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.out.contains("\"secret\": Permission denied"), "{second:?}");
    assert!(second.out.contains("\"closed\": Permission denied"), "{second:?}");
    assert!(second.err.contains("could not read") && second.err.contains("nothing was removed"), "{second:?}");
    let content = |path| fs::read_to_string(place.target().join(path)).unwrap();
    assert_eq!(["gone", "secret", "open/f"].map(content), ["x", "x", "longer"]);

    set_mode(&place.source().join("secret"), 0o644);
    set_mode(&place.source().join("closed"), 0o755);
    let third = run();
    assert_eq!(third.code, 0, "{third:?}");
    place.assert_exact();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_database_will_do() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap_or_else(|error| panic!("{error}"));
    let places = [Place::new(), Place::new()];
    for place in &places {
        place.write("d/f", "x");
        let run = place.mirror(&["--url", database.url(), "--workers", "2"]);
        assert_eq!(run.count("seen"), 3, "{run:?}");
    }
    fs::remove_file(places[0].source().join("d/f")).unwrap();
    assert_eq!(places[0].mirror(&["--url", database.url()]).count("removed"), 1);
    places[1].assert_exact();
}
