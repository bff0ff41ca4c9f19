use std::env;
use std::fs;
use std::path::PathBuf;

/// The directories of `PATH`, in order.
pub(crate) fn on_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// The directories that match a pattern with one `*` as a whole name that `is_ours` takes; a pattern without one matches
/// itself.
pub(crate) fn expand(pattern: &str, is_ours: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Some((parent, rest)) = pattern.split_once("/*/") else {
        return vec![pattern.into()];
    };
    let Ok(entries) = fs::read_dir(parent) else {
        return vec![];
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| is_ours(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path().join(rest))
        .collect()
}
