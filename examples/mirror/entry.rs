use std::fmt::Write as _;
use std::sync::OnceLock;

use delta::{InformOptions, MaxAttempts, Missing, MissingLimit, Object, ObjectSettings};
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much a full run may delete; set once from the command line, before the client is built.
pub(crate) static MISSING_LIMIT: OnceLock<MissingLimit> = OnceLock::new();

/// The path of the root itself.
pub(crate) const ROOT: &str = ".";

/// One entry of the source tree: all that decides whether its copy in the target is still right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Relative to the root, `.` for the root itself.
    pub(crate) path: String,
    pub(crate) shape: Shape,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Shape {
    File {
        size: u64,
        modified: Moment,
        mode: u32,
    },
    Directory {
        modified: Moment,
        mode: u32,
    },
    Symlink {
        /// The bytes of the target, what is not ASCII escaped: a target need not be UTF-8.
        target: String,
        modified: Moment,
    },
    /// A socket, a pipe or a device, which has no copy.
    Special {
        what: String,
    },
    /// The worker found nothing here, or found something in the target that the source does not have. The next full
    /// run, which does not mention it, has the resource deleted.
    Absent,
}

/// A time of a file, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

impl Object for Entry {
    const KIND: &'static str = "entry";

    fn id(&self) -> String {
        object_id(&self.path)
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new()
            // The namespace's limit, which the command line sets, is what counts.
            .parallelism(10_000)
            .inform_interval(None)
            .inform_timeout(None)
            .work_timeout(None)
            .missing(Missing::Delete)
            .missing_limit(MISSING_LIMIT.get().copied().unwrap_or_default())
            .inform(InformOptions::new().max_attempts(MaxAttempts::Limited(6)))
    }
}

/// The object id of a path: the path itself or, where that is longer than an id may be, `/sha256/` and the hash of the path
/// in hexadecimal. A relative path never begins with a slash, so no two entries share an id.
pub(crate) fn object_id(path: &str) -> String {
    if path.chars().count() <= delta::core::ObjectId::MAX_LENGTH {
        path.to_owned()
    } else {
        format!("/sha256/{}", hex(&Sha256::digest(path)))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Moment {
    pub(crate) fn modified(stat: &Stat) -> Self {
        Self { seconds: stat.st_mtime, nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0) }
    }

    pub(crate) fn changed(stat: &Stat) -> Self {
        Self { seconds: stat.st_ctime, nanos: u32::try_from(stat.st_ctime_nsec).unwrap_or(0) }
    }

    /// Nanoseconds from `earlier` to this.
    pub(crate) fn since(self, earlier: Self) -> i128 {
        let nanos = |moment: Self| i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos);
        nanos(self) - nanos(earlier)
    }
}

impl Shape {
    /// What a `stat` describes; a symbolic link's target comes with it.
    pub(crate) fn new(stat: &Stat, link: Option<&[u8]>) -> Self {
        let (modified, mode) = (Moment::modified(stat), stat.st_mode & 0o7777);
        let special = |what: &str| Self::Special { what: what.to_owned() };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File { size: u64::try_from(stat.st_size).unwrap_or(0), modified, mode },
            FileType::Directory => Self::Directory { modified, mode },
            FileType::Symlink => {
                Self::Symlink { target: link.unwrap_or_default().escape_ascii().to_string(), modified }
            }
            FileType::Fifo => special("a pipe"),
            FileType::Socket => special("a socket"),
            FileType::CharacterDevice | FileType::BlockDevice => special("a device"),
            FileType::Unknown => special("of an unknown type"),
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_path_or_where_that_is_too_long_its_hash() {
        assert_eq!(object_id("a/b"), "a/b");
        let longest = "ä".repeat(255);
        assert_eq!(object_id(&longest), longest);
        let long = "a".repeat(256);
        assert_eq!(object_id(&long), "/sha256/02d7160d77e18c6447be80c2e355c7ed4388545271702c50253b0914c65ce5fe");
    }

    #[test]
    fn every_shape_comes_back_from_its_json() {
        let modified = Moment { seconds: -1, nanos: 999_999_999 };
        for shape in [
            Shape::File { size: u64::MAX, modified, mode: 0o7777 },
            Shape::Directory { modified, mode: 0 },
            Shape::Symlink { target: "x".into(), modified },
            Shape::Special { what: "a pipe".into() },
            Shape::Absent,
        ] {
            let entry = Entry { path: "p".into(), shape };
            let json = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
        }
    }
}
