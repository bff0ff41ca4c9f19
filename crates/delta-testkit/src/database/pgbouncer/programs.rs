use std::path::PathBuf;

use super::super::places::{expand, on_path};

/// Where packages put it, with `*` for one name: Debian, Red Hat, Homebrew (two processors).
const USUAL: [&str; 5] =
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/opt/homebrew/opt/*/bin", "/usr/local/opt/*/bin"];

/// Finds the program on `PATH`, else in the usual places, or says that there is none.
pub(super) fn find() -> Result<PathBuf, String> {
    let usual = USUAL.iter().flat_map(|pattern| expand(pattern, |name| name == "pgbouncer"));
    let mut places = on_path().into_iter().chain(usual).map(|directory| directory.join("pgbouncer"));
    places
        .find(|program| program.is_file())
        .ok_or_else(|| "no program `pgbouncer` on PATH or in the usual places".into())
}
