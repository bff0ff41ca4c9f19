use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::entry::{ROOT, Shape};

/// A directory tree. Its entries are reached by relative paths, one directory after the other, so that a symbolic link that
/// takes a directory's place never leads out of the tree.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
}

/// What a look at an entry found.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) shape: Shape,
    /// `None` where there is nothing.
    pub(crate) stat: Option<Stat>,
    /// The target of a symbolic link.
    pub(crate) link: Option<CString>,
}

impl Look {
    const ABSENT: Self = Self { shape: Shape::Absent, stat: None, link: None };
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Tree {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: openat(CWD, root, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())? })
    }

    /// Opens a directory; `NOENT`, `NOTDIR` or `LOOP` if there is none.
    pub(crate) fn directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        let mut directory =
            self.root.try_clone().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?;
        if path != ROOT {
            for name in path.split('/') {
                directory = open_directory(directory.as_fd(), name)?;
            }
        }
        Ok(directory)
    }

    /// Looks at an entry. Where a directory on its way is missing, or is none, the entry is absent.
    pub(crate) fn look(&self, path: &str) -> io::Result<Look> {
        let (parent, name) = split(path);
        match self.directory(parent).and_then(|parent| look_at(parent.as_fd(), name)) {
            Ok(look) => Ok(look),
            Err(error) if is_absence(error) => Ok(Look::ABSENT),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in a directory; none if there is no such directory.
    pub(crate) fn names(&self, path: &str) -> io::Result<Vec<CString>> {
        let directory = match self.directory(path) {
            Err(error) if is_absence(error) => return Ok(Vec::new()),
            found => found?,
        };
        let mut names = Vec::new();
        for entry in Dir::new(directory)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push(entry.file_name().to_owned());
            }
        }
        Ok(names)
    }
}

/// Looks at an entry of a directory.
pub(crate) fn look_at(directory: BorrowedFd<'_>, name: &str) -> Result<Look, Errno> {
    let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(error) if is_absence(error) => return Ok(Look::ABSENT),
        found => found?,
    };
    let link = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => match readlinkat(directory, name, Vec::new()) {
            // It was replaced in between: whoever asks next sees by what.
            Err(error) if error == Errno::INVAL || is_absence(error) => None,
            link => Some(link?),
        },
        _ => None,
    };
    Ok(Look { shape: Shape::new(&stat, link.as_ref().map(|link| link.to_bytes())), stat: Some(stat), link })
}

/// Opens a directory in a directory, unless it is a symbolic link.
pub(crate) fn open_directory(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    openat(directory, name, DIRECTORY, Mode::empty())
}

/// The directory that an entry is in, and its name there.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((ROOT, path))
}

/// The path of an entry of a directory.
pub(crate) fn join(directory: &str, name: &str) -> String {
    if directory == ROOT { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Whether an error says that there is no such entry.
pub(crate) fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_split_into_directory_and_name() {
        assert_eq!(split("a/b/c"), ("a/b", "c"));
        assert_eq!(split("a"), (ROOT, "a"));
        assert_eq!(split(ROOT), (ROOT, ROOT));
        assert_eq!((join(ROOT, "a"), join("a", "b")), ("a".to_owned(), "a/b".to_owned()));
    }

    #[test]
    fn a_look_tells_what_is_there() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        fs::write(root.path().join("d/f"), "12345").unwrap();
        symlink("else where", root.path().join("d/l")).unwrap();
        let tree = Tree::open(root.path()).unwrap();
        let shape = |path| tree.look(path).unwrap().shape;
        assert!(shape(".").is_directory() && shape("d").is_directory());
        assert!(matches!(shape("d/f"), Shape::File { size: 5, .. }));
        assert!(matches!(shape("d/l"), Shape::Symlink { target, .. } if target == "else where"));
        for absent in ["x", "x/y", "d/f/x"] {
            assert_eq!(shape(absent), Shape::Absent, "{absent}");
        }
    }

    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("f"), "secret").unwrap();
        let root = tempfile::tempdir().unwrap();
        symlink(outside.path(), root.path().join("d")).unwrap();
        let tree = Tree::open(root.path()).unwrap();
        assert_eq!(tree.look("d/f").unwrap().shape, Shape::Absent);
        assert!(is_absence(tree.directory("d").unwrap_err()));
        assert!(tree.names("d").unwrap().is_empty());
    }
}
