//! Versions, out of the lock file that this program was built with.

/// The lock file.
const LOCK: &str = include_str!("../Cargo.lock");

/// Version of a package that the program is built with; the highest of several.
pub(crate) fn of(package: &str) -> &'static str {
    let wanted = format!("name = \"{package}\"");
    let mut lines = LOCK.lines();
    let mut version = "unknown";
    while let Some(line) = lines.next() {
        if line == wanted {
            let next = lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
            version = next.unwrap_or(version);
        }
    }
    version
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_lock_file_names_a_version() {
        assert_eq!(super::of("graphile_worker"), "0.14.1");
        assert_eq!(super::of("nothing of that name"), "unknown");
    }
}
