//! What the kernel says of processes, in `/proc`; nothing where there is none.

use std::fs;

/// Parts of a second in which the kernel counts time for programs, on every Linux.
const TICKS: f64 = 100.0;

/// The memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// Of its own, in kilobytes.
    own: u64,
    /// Shared with others, in kilobytes.
    shared: u64,
}

/// Milliseconds on a processor of a process, with its children that have ended.
pub(super) fn cpu_ms(process: u32) -> Option<f64> {
    stat(process).map(|stat| stat.ms)
}

/// Milliseconds on a processor of a process, with all of its children.
pub(super) fn family_cpu_ms(process: u32) -> Option<f64> {
    let children = children(process).into_iter().filter_map(cpu_ms).sum::<f64>();
    Some(cpu_ms(process)? + children)
}

/// Megabytes of memory of a process with its children: what they share counts once.
pub(super) fn family_mb(process: u32) -> Option<f64> {
    let all: Vec<Memory> = children(process).into_iter().chain([process]).filter_map(memory).collect();
    let shared = all.iter().map(|memory| memory.shared).max()?;
    Some(mb(all.iter().map(|memory| memory.own).sum::<u64>() + shared))
}

/// Megabytes of memory of this process at its peak.
pub(super) fn own_peak_mb() -> Option<f64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:").map(mb)
}

/// Lets this process's peak begin anew.
pub(super) fn reset_own_peak() {
    // Where it is not allowed, the peak is that since the start.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The parent of a process.
pub(super) fn parent(process: u32) -> Option<u32> {
    stat(process).map(|stat| stat.parent)
}

fn children(process: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn memory(process: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(Memory { own: field(&text, "RssAnon:")?, shared: field(&text, "RssShmem:")? })
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mb(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1_024.0
}

struct Stat {
    parent: u32,
    ms: f64,
}

fn stat(process: u32) -> Option<Stat> {
    read(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The name, which may hold anything, ends with the last parenthesis.
fn read(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|ticks| ticks.parse::<f64>().ok()).sum::<Option<f64>>()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ms: ticks * 1_000.0 / TICKS })
}

#[cfg(test)]
mod tests {
    use super::{field, read};

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = read("17 (a) (b c)) S 4 17 17 0 -1 4194560 100 0 0 0 1 20 300 4000 20 0 1 0").unwrap();
        assert_eq!((stat.parent, stat.ms), (4, 43_210.0));
    }

    #[test]
    fn a_field_is_read_in_kilobytes() {
        assert_eq!(field("VmPeak:\t 5 kB\nVmHWM:\t  1612 kB\n", "VmHWM:"), Some(1612));
    }
}
