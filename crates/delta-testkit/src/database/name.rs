use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, test_kill_process};

const PREFIX: &str = "delta_test";

/// After this many seconds a database is a leftover, whoever made it.
const A_DAY: i64 = 24 * 60 * 60;

/// The name of a test's database, which tells whether anybody still needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DatabaseName {
    /// Seconds since 1970, by the server's clock.
    created: i64,
    /// Tells apart machines and containers, which number their processes separately.
    host: u32,
    process: u32,
    number: u32,
}

impl DatabaseName {
    /// A name that no other database has; `created` is the server's time.
    pub(crate) fn unique(created: i64) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        Self { created, host: this_host(), process: std::process::id(), number: NUMBER.fetch_add(1, Ordering::Relaxed) }
    }

    /// Reads a name; `None` if it is not one of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.strip_prefix('_')?.split('_');
        let parsed = Self {
            created: parts.next()?.parse().ok()?,
            host: u32::from_str_radix(parts.next()?, 16).ok()?,
            process: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
        };
        // Written back, so that nothing is taken for ours that only resembles it.
        (parsed.to_string() == name).then_some(parsed)
    }

    /// Whether nobody needs the database: its process is gone, or it is older than a day.
    pub(crate) fn is_leftover(self, now: i64) -> bool {
        now - self.created > A_DAY || (self.host == this_host() && !runs(self.process))
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, host, process, number } = self;
        write!(f, "{PREFIX}_{created}_{host:08x}_{process}_{number}")
    }
}

fn runs(process: u32) -> bool {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // A refusal means that it runs, as another user.
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// What tells this machine, and on Linux this container, from others.
fn this_host() -> u32 {
    static HOST: OnceLock<u32> = OnceLock::new();
    *HOST.get_or_init(|| {
        let mut hasher = DefaultHasher::new();
        fs::read("/proc/sys/kernel/random/boot_id").ok().hash(&mut hasher);
        fs::read_link("/proc/self/ns/pid").ok().hash(&mut hasher);
        Command::new("uname").arg("-n").output().ok().map(|output| output.stdout).hash(&mut hasher);
        u32::try_from(hasher.finish() >> 32).expect("32 bits are left")
    })
}

#[cfg(test)]
mod tests {
    use super::{A_DAY, DatabaseName, this_host};

    /// Above the highest process id of any system.
    const GONE: u32 = i32::MAX as u32;

    fn name(host: u32, process: u32) -> DatabaseName {
        DatabaseName { created: 1000, host, process, number: 7 }
    }

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        let name = DatabaseName::unique(1_700_000_000);
        assert_eq!(DatabaseName::parse(&name.to_string()), Some(name));
    }

    #[test]
    fn no_two_names_are_equal() {
        assert_ne!(DatabaseName::unique(1), DatabaseName::unique(1));
    }

    #[test]
    fn a_strangers_name_is_not_read() {
        for stranger in [
            "postgres",
            "delta_test",
            "delta_test_1_00000001_2",
            "delta_test_1_1_2_3",
            "delta_test_1_00000001_2_3_4",
            "delta_test_production",
        ] {
            assert_eq!(DatabaseName::parse(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn the_database_of_a_gone_process_is_a_leftover_at_once() {
        assert!(name(this_host(), GONE).is_leftover(1000));
    }

    #[test]
    fn the_database_of_a_running_process_is_none_for_a_day() {
        let name = name(this_host(), std::process::id());
        assert!(!name.is_leftover(1000 + A_DAY));
        assert!(name.is_leftover(1000 + A_DAY + 1));
    }

    #[test]
    fn the_database_of_another_host_is_none_for_a_day() {
        let name = name(!this_host(), GONE);
        assert!(!name.is_leftover(1000 + A_DAY));
        assert!(name.is_leftover(1000 + A_DAY + 1));
    }
}
