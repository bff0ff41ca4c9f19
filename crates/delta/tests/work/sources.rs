//! What would make two runs of one seed differ is not in the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates whose code a simulation runs.
const CRATES: [&str; 3] = ["delta", "delta-core", "delta-store-memory"];

/// Where what was hashed is only looked up, and nobody can see in which order it is kept.
const LOOKED_UP: [&str; 3] =
    ["delta/src/informer/mentioned.rs", "delta-core/src/check.rs", "delta-core/src/restore.rs"];

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The code of all crates without its comments, by path.
fn code() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        (path.strip_prefix(crates).unwrap().display().to_string(), lines.collect::<Vec<_>>().join("\n"))
    };
    let code: Vec<_> = CRATES.iter().flat_map(|name| sources(&crates.join(name).join("src"))).map(read).collect();
    assert!(code.len() > 200, "found {} files only", code.len());
    code
}

/// Where a word is followed by what is wrong.
fn found(word: &str, wrong: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in code() {
        for (at, _) in text.match_indices(word) {
            if wrong(&path, text[at + word.len()..].trim_start()) {
                found.push(format!("{path}:{}", text[..at].lines().count()));
            }
        }
    }
    found
}

#[test]
fn every_select_says_in_which_order_it_looks() {
    let biased = |rest: &str| rest.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with("biased;"));
    assert_eq!(found("select!", |_, rest| !biased(rest)), [""; 0], "tokio begins with a branch that it draws");
    let selects = found("select!", |_, rest| biased(rest));
    assert!(selects.len() > 20, "{selects:?}");
}

#[test]
fn nothing_is_hashed_whose_order_could_be_seen() {
    for word in ["HashMap", "HashSet", "hash_map", "hash_set", "RandomState"] {
        let seen = found(word, |path, _| !LOOKED_UP.contains(&path));
        assert_eq!(seen, [""; 0], "{word} is in another order each time: take a `BTreeMap` or a `BTreeSet`");
    }
}

#[test]
fn nobody_is_woken_in_an_order_that_tokio_draws() {
    assert_eq!(found("watch::", |_, _| true), [""; 0], "take a `Bell`, which wakes in the order of waiting");
    assert_eq!(found("spawn_blocking", |_, _| true), [""; 0], "a thread ends whenever it does");
}
