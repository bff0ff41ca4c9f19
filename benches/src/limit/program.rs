use std::env;
use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;

/// Where Debian puts what is not on `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The program `pgbench`: on `PATH`, else of the newest version installed.
pub(super) fn find() -> Result<PathBuf, Failure> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|directory| directory.join("pgbench")).find(|program| program.is_file());
    if let Some(program) = on_path {
        return Ok(program);
    }
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path())
        .filter(|version| version.join("bin/pgbench").is_file())
        .max_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let found = newest.map(|version| version.join("bin/pgbench"));
    found.ok_or_else(|| format!("expected pgbench on PATH or in {VERSIONS}/*/bin, found none").into())
}
