use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// All entries of a tree by their path, the root itself included.
pub(crate) type Snapshot = BTreeMap<PathBuf, Entry>;

/// All of an entry that a mirror must keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    modified: (i64, i64),
    what: What,
}

#[derive(Clone, PartialEq, Eq)]
enum What {
    File { mode: u32, content: Vec<u8> },
    Directory { mode: u32 },
    Symlink { target: OsString },
    Other,
}

impl std::fmt::Debug for What {
    /// Without the content, which may be long.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { mode, content } => write!(f, "File({mode:o}, {} bytes)", content.len()),
            Self::Directory { mode } => write!(f, "Directory({mode:o})"),
            Self::Symlink { target } => write!(f, "Symlink({})", target.display()),
            Self::Other => f.write_str("Other"),
        }
    }
}

pub(crate) fn snapshot(root: &Path) -> Snapshot {
    let mut snapshot = Snapshot::new();
    add(root, root, &mut snapshot);
    snapshot
}

fn add(root: &Path, path: &Path, snapshot: &mut Snapshot) {
    // What vanishes meanwhile is not there.
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    let mode = metadata.mode() & 0o7777;
    let what = if metadata.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            add(root, &entry.path(), snapshot);
        }
        What::Directory { mode }
    } else if metadata.is_symlink() {
        What::Symlink { target: fs::read_link(path).unwrap_or_default().into() }
    } else if metadata.is_file() {
        What::File { mode, content: fs::read(path).unwrap_or_default() }
    } else {
        What::Other
    };
    let relative = path.strip_prefix(root).unwrap().to_owned();
    snapshot.insert(relative, Entry { modified: (metadata.mtime(), metadata.mtime_nsec()), what });
}
