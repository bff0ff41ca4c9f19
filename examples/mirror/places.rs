use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::failure::Failure;

/// The source, the target and what lies beside it.
///
/// It holds a lock, so that no other mirror works on the target until this process ends, in whatever way: an attempt that
/// has lost its lease can only be one of this process, which knows of it.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    _lock: File,
}

impl Places {
    pub(crate) fn find(args: &Args) -> Result<Self, Failure> {
        let source = args.source.canonicalize().map_err(|error| Failure::usage(&args.source, error))?;
        if !source.is_dir() {
            return Err(Failure::usage(&args.source, "expected a directory"));
        }
        fs::create_dir_all(&args.target).map_err(|error| Failure::usage(&args.target, error))?;
        let target = args.target.canonicalize().map_err(|error| Failure::usage(&args.target, error))?;
        if source.starts_with(&target) || target.starts_with(&source) {
            return Err(Failure::usage(&args.target, "expected source and target outside of each other"));
        }
        let path = beside(&target, ".delta.lock");
        if path.starts_with(&source) {
            return Err(Failure::usage(
                &args.target,
                "expected the target's parent directory to be outside of the source",
            ));
        }
        let lock = File::create(&path).map_err(|error| Failure::usage(&path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { source, target, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(&args.target, "another mirror is at work on it")),
            Err(TryLockError::Error(error)) => Err(Failure::usage(&path, error)),
        }
    }

    /// The database beside the target.
    pub(crate) fn database(&self) -> PathBuf {
        beside(&self.target, ".delta.db")
    }

    /// Whether the target has nothing in it.
    pub(crate) fn target_is_empty(&self) -> Result<bool, Failure> {
        let mut entries = fs::read_dir(&self.target).map_err(|error| Failure::usage(&self.target, error))?;
        Ok(entries.next().is_none())
    }
}

fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.file_name().map_or_else(|| OsString::from("root"), OsString::from);
    name.push(suffix);
    target.with_file_name(name)
}
