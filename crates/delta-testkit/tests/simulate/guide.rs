//! What `docs/testing-controllers.md` shows is what runs here.

use std::fs;
use std::path::{Path, PathBuf};

const TIMELINE: &str = "<!-- timeline -->\n```text\n";

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/testing-controllers.md")
}

fn sources() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulate");
    let files = [tests.join("payments"), tests].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "rs"));
    files.map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn the_code_of_the_guide_is_code_of_these_tests() {
    let (text, sources) = (fs::read_to_string(guide()).unwrap(), sources());
    let blocks: Vec<&str> = text.split("\n```rust\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(blocks.len() > 8, "{}", blocks.len());
    for block in blocks {
        assert!(sources.iter().any(|source| source.contains(block)), "no file of these tests has:\n{block}");
    }
}

/// Holds a timeline against that of the guide; with `DELTA_BLESS=1`, writes it there.
pub(crate) fn is_shown(timeline: &str) {
    let text = fs::read_to_string(guide()).unwrap();
    let (before, rest) = text.split_once(TIMELINE).expect("a place for the timeline");
    let (shown, after) = rest.split_once("```").expect("an end of the timeline");
    if std::env::var_os("DELTA_BLESS").is_some() {
        fs::write(guide(), format!("{before}{TIMELINE}{timeline}```{after}")).unwrap();
    } else {
        // How the test is run again depends on how it is run.
        let told = |text: &str| text.lines().filter(|line| !line.starts_with("replay:")).collect::<Vec<_>>().join("\n");
        assert_eq!(told(shown), told(timeline), "DELTA_BLESS=1 writes what was printed into the guide");
    }
}
