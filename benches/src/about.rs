use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::runner::Runner;
use crate::server::World;

/// On what a run was made: machine, versions, settings, sizes.
pub(crate) fn about(world: &World, runner: &Runner) -> BTreeMap<String, String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let own = [
        ("cores", Some(cores.to_string())),
        ("processor", line("/proc/cpuinfo", "model name")),
        ("memory", line("/proc/meminfo", "MemTotal")),
        ("system", fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned())),
        ("delta version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("delta commit", commit()),
        ("rounds", Some(runner.rounds.to_string())),
        ("items", Some(runner.plan.items.to_string())),
        ("size", Some(format!("{:?}", runner.plan.size).to_lowercase())),
        ("loads", Some("ANALYZE and CHECKPOINT after each, on Postgres".to_owned())),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    own.chain(world.settings()).collect()
}

/// What a file of the kernel says after a name and a colon.
fn line(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'))?;
    Some(value.1.trim().to_owned())
}

/// Of the sources, if they are in a repository.
fn commit() -> Option<String> {
    let output =
        Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
