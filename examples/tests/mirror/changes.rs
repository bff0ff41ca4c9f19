use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::program::Place;

#[test]
fn every_kind_of_change_reaches_the_target() {
    let place = Place::new();
    let source = place.source();
    for path in ["content", "mode", "gone", "to directory", "to link", "d/stays", "d/goes", "deep/a/b/c/f", "moves/f"] {
        place.write(path, "before");
    }
    symlink("before", source.join("link")).unwrap();
    for path in ["to file/x/y", "to link to outside/f"] {
        place.write(path, "before");
    }
    place.mirror(&[]);

    let outside = place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "precious").unwrap();
    fs::write(source.join("content"), "after, and longer").unwrap();
    fs::set_permissions(source.join("mode"), Permissions::from_mode(0o600)).unwrap();
    for path in ["gone", "to directory", "to link", "d/goes", "link"] {
        fs::remove_file(source.join(path)).unwrap();
    }
    for path in ["deep", "to file", "to link to outside"] {
        fs::remove_dir_all(source.join(path)).unwrap();
    }
    place.write("to directory/f", "after");
    symlink("after", source.join("to link")).unwrap();
    symlink("after", source.join("link")).unwrap();
    fs::write(source.join("to file"), "after").unwrap();
    symlink(&outside, source.join("to link to outside")).unwrap();
    fs::rename(source.join("moves"), source.join("moved")).unwrap();

    let run = place.mirror(&["--max-delete", "1.0"]);
    assert_eq!((run.count("copied"), run.count("adjusted")), (4, 1), "{run:?}");
    assert_eq!(fs::read_to_string(outside.join("f")).unwrap(), "precious");
    assert_eq!(place.mirror(&[]).count("copied"), 0);
}

#[test]
fn a_directory_that_only_had_a_file_rewritten_keeps_its_time() {
    let place = Place::new();
    place.write("d/f", "before");
    place.mirror(&[]);
    // In place: the directory's own time does not change, and its resource has nothing to do.
    fs::write(place.source().join("d/f"), "after, and longer").unwrap();
    assert_eq!(place.mirror(&[]).count("copied"), 1);
}

#[test]
fn what_somebody_else_put_in_a_directory_goes_with_it() {
    let place = Place::new();
    place.write("d/e/f", "x");
    place.write("other", "x");
    place.mirror(&[]);
    fs::create_dir_all(place.target().join("d/foreign/deep")).unwrap();
    fs::write(place.target().join("d/foreign/deep/file"), "x").unwrap();
    fs::remove_dir_all(place.source().join("d")).unwrap();
    place.mirror(&["--max-delete", "1.0"]);
}

#[test]
fn a_name_that_comes_back_is_copied_again() {
    let place = Place::new();
    place.write("d/f", "x");
    place.write("g", "x");
    place.mirror(&[]);
    let aside = place.path().join("aside");
    fs::rename(place.source().join("d"), &aside).unwrap();
    place.mirror(&[]);
    fs::rename(&aside, place.source().join("d")).unwrap();
    assert_eq!(place.mirror(&[]).count("copied"), 1);
}
