use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Mirrors a directory tree with Delta: every entry is a resource, which a worker copies or removes.
///
/// Regular files, directories and symbolic links are mirrored, with their modes and modification times. Owners, extended
/// attributes and hard links are not; nor are set-id bits, where the copy has another owner.
///
/// The state is kept in a SQLite file beside the target (TARGET.delta.db). Killed at any moment and started again, the mirror
/// goes on where it was.
#[derive(Debug, Parser)]
#[command(name = "mirror", after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// The directory to copy from.
    pub(crate) source: PathBuf,

    /// The directory to copy to; made if it does not exist. It must be empty, or one that this program has filled.
    pub(crate) target: PathBuf,

    /// Keep the target in step until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,

    /// Seconds between two looks at the whole source, with --watch.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds, requires = "watch")]
    pub(crate) interval: Duration,

    /// How many entries are worked at once, 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) workers: u32,

    /// The database, as `sqlite://PATH` or `postgres://…` [default: a SQLite file beside the target]
    #[arg(long, env = "DELTA_MIRROR_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,

    /// The share of the stored entries, 0.0 to 1.0, that one look may find to be gone; more is taken for a mistake, and
    /// nothing is removed. A few (10) may always go; with 1.0, all.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    pub(crate) max_delete: f64,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    the target is an exact copy
  1    some entries could not be mirrored; they are listed
  2    wrong usage, or a directory that cannot be used
  3    the database cannot be used
  4    too much of the source is gone: nothing was removed
  130  interrupted; run it again to go on";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|interval| !interval.is_zero()).ok_or_else(|| format!("expected seconds above zero, found {text:?}"))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("expected a share of 0.0 to 1.0, found {text:?}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["mirror", "a", "b", "--max-delete", "1.5"]).is_err());
        assert!(Args::try_parse_from(["mirror", "a", "b", "--watch", "--interval", "0"]).is_err());
    }
}
