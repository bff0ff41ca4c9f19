use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, Mode, Stat, chmodat, fchmod, fstat, fsync, futimens, mkdirat, unlinkat};
use rustix::io::Errno;

use crate::entry::{ROOT, Shape};
use crate::times;
use crate::tree::{Tree, is_absence, open_directory, split};

/// The target tree, with the directories that workers write in at the moment.
///
/// A directory that is written in has its mode and its time disturbed: both are set from the source, freshly looked at,
/// when the last worker leaves it. Whoever writes leaves only then, so an attempt that is not settled yet stands for every
/// directory that is not in order yet, whenever the process is killed.
#[derive(Debug)]
pub(crate) struct Target {
    tree: Tree,
    source: Arc<Tree>,
    open: Mutex<HashMap<String, Open>>,
}

#[derive(Debug)]
struct Open {
    directory: Arc<Directory>,
    workers: usize,
}

#[derive(Debug)]
struct Directory {
    file: OwnedFd,
    writes: AtomicU64,
    flushed: Mutex<u64>,
}

/// A worker in a directory.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    target: &'a Target,
    path: String,
    directory: Arc<Directory>,
    left: bool,
}

/// What became of a wish to write in a directory.
#[derive(Debug)]
pub(crate) enum Entered<'a> {
    Visit(Visit<'a>),
    /// The directory exists neither in the source nor in the target.
    Gone,
    /// Something that is not a directory is in its place, until its own worker has replaced it.
    Blocked,
}

impl Target {
    pub(crate) fn open(root: &Path, source: Arc<Tree>) -> io::Result<Self> {
        Ok(Self { tree: Tree::open(root)?, source, open: Mutex::default() })
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Enters a directory to write in it, after making it if the source has it.
    pub(crate) fn enter(&self, path: &str) -> io::Result<Entered<'_>> {
        loop {
            match self.visit(path) {
                Ok(visit) => return Ok(Entered::Visit(visit)),
                Err(Errno::NOENT) if path != ROOT => {}
                Err(error) if is_absence(error) => return Ok(Entered::Blocked),
                Err(error) => return Err(error.into()),
            }
            if !self.source.look(path)?.shape.is_directory() {
                return Ok(Entered::Gone);
            }
            let (parent, name) = split(path);
            let above = match self.enter(parent)? {
                Entered::Visit(above) => above,
                refused => return Ok(refused),
            };
            match mkdirat(&above, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => above.wrote(),
                Err(error) => return Err(error.into()),
            }
            if !self.source.look(path)?.shape.is_directory() {
                // Its own worker may have removed it for good before it was made again here.
                let removed = unlinkat(&above, name, AtFlags::REMOVEDIR);
                above.leave()?;
                return match removed {
                    Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(Entered::Gone),
                    Err(error) => Err(error.into()),
                };
            }
            above.leave()?;
        }
    }

    fn visit(&self, path: &str) -> Result<Visit<'_>, Errno> {
        let mut open = self.lock();
        if !open.contains_key(path) {
            let file = self.open_directory(path)?;
            let stat = fstat(&file)?;
            if stat.st_mode & 0o700 != 0o700 {
                fchmod(&file, Mode::from_raw_mode(stat.st_mode & 0o7777 | 0o700))?;
            }
            let directory = Arc::new(Directory { file, writes: AtomicU64::new(0), flushed: Mutex::new(0) });
            open.insert(path.to_owned(), Open { directory, workers: 0 });
        }
        let Some(found) = open.get_mut(path) else { return Err(Errno::NOENT) };
        found.workers += 1;
        Ok(Visit { target: self, path: path.to_owned(), directory: found.directory.clone(), left: false })
    }

    /// Opens a directory even if its mode keeps its owner from reading it.
    fn open_directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        match self.tree.directory(path) {
            Err(Errno::ACCESS) if path != ROOT => {
                let (parent, name) = split(path);
                let parent = self.open_directory(parent)?;
                match open_directory(parent.as_fd(), name) {
                    Err(Errno::ACCESS) => {
                        chmodat(&parent, name, Mode::RWXU, AtFlags::empty())?;
                        open_directory(parent.as_fd(), name)
                    }
                    opened => opened,
                }
            }
            opened => opened,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a worker out; the last one sets the directory's mode and time.
    fn count_out(&self, path: &str) -> io::Result<()> {
        let mut open = self.lock();
        let Some(found) = open.get_mut(path) else { return Ok(()) };
        found.workers -= 1;
        if found.workers > 0 {
            return Ok(());
        }
        let Some(Open { directory, .. }) = open.remove(path) else { return Ok(()) };
        let look = self.source.look(path)?;
        if let (Shape::Directory { modified, .. }, Some(stat)) = (look.shape, look.stat) {
            let own = fstat(&directory.file)?;
            fchmod(&directory.file, copied_mode(&stat, &own))?;
            futimens(&directory.file, &times::modified(modified))?;
            directory.writes.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }
}

impl Visit<'_> {
    /// Notes that an entry of the directory was made, replaced or removed.
    pub(crate) fn wrote(&self) {
        self.directory.writes.fetch_add(1, Ordering::AcqRel);
    }

    /// Leaves the directory. All that was written in it so far survives a power cut then.
    pub(crate) fn leave(mut self) -> io::Result<()> {
        self.left = true;
        self.target.count_out(&self.path)?;
        self.directory.flush()
    }
}

impl AsFd for Visit<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.file.as_fd()
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if !self.left {
            // An error is under way already; the attempt is repeated and leaves in order then.
            let _ = self.target.count_out(&self.path);
        }
    }
}

impl Directory {
    /// Waits until what was written is durable. Of all that wait at once, one syncs for the others.
    fn flush(&self) -> io::Result<()> {
        let wanted = self.writes.load(Ordering::Acquire);
        let mut flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        if *flushed < wanted {
            let reached = self.writes.load(Ordering::Acquire);
            fsync(&self.file)?;
            *flushed = reached;
        }
        Ok(())
    }
}

/// The mode that a copy gets: that of the source, without the set-id bits where the copy belongs to somebody else.
pub(crate) fn copied_mode(source: &Stat, copy: &Stat) -> Mode {
    let mut mode = Mode::from_raw_mode(source.st_mode & 0o7777);
    if source.st_uid != copy.st_uid {
        mode.remove(Mode::SUID);
    }
    if source.st_gid != copy.st_gid {
        mode.remove(Mode::SGID);
    }
    mode
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use tempfile::TempDir;

    use super::*;

    fn trees() -> (TempDir, TempDir, Target) {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let tree = Arc::new(Tree::open(source.path()).unwrap());
        let opened = Target::open(target.path(), tree).unwrap();
        (source, target, opened)
    }

    fn shape(root: &TempDir, path: &str) -> Shape {
        Tree::open(root.path()).unwrap().look(path).unwrap().shape
    }

    #[test]
    fn the_last_to_leave_sets_mode_and_time() {
        let (source, target, opened) = trees();
        fs::create_dir_all(source.path().join("a/b")).unwrap();
        fs::set_permissions(source.path().join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
        let visits: Vec<_> = (0..2)
            .map(|_| match opened.enter("a/b").unwrap() {
                Entered::Visit(visit) => visit,
                refused => panic!("{refused:?}"),
            })
            .collect();
        for (number, visit) in visits.into_iter().enumerate() {
            fs::write(target.path().join(format!("a/b/{number}")), "").unwrap();
            visit.wrote();
            assert_ne!(shape(&target, "a/b"), shape(&source, "a/b"));
            visit.leave().unwrap();
        }
        assert_eq!(shape(&target, "a/b"), shape(&source, "a/b"));
        assert_eq!(shape(&target, "a"), shape(&source, "a"));
        assert!(opened.lock().is_empty());
    }

    #[test]
    fn a_directory_that_the_source_lacks_is_not_made() {
        let (_source, target, opened) = trees();
        assert!(matches!(opened.enter("a/b").unwrap(), Entered::Gone));
        assert_eq!(shape(&target, "a"), Shape::Absent);
    }

    #[test]
    fn what_is_no_directory_blocks() {
        let (source, target, opened) = trees();
        fs::create_dir(source.path().join("a")).unwrap();
        symlink("/", target.path().join("a")).unwrap();
        assert!(matches!(opened.enter("a").unwrap(), Entered::Blocked));
    }

    #[test]
    fn a_copy_of_somebody_else_loses_its_set_id_bits() {
        let (source, _target, _) = trees();
        fs::write(source.path().join("f"), "").unwrap();
        fs::set_permissions(source.path().join("f"), fs::Permissions::from_mode(0o6755)).unwrap();
        let own = Tree::open(source.path()).unwrap().look("f").unwrap().stat.unwrap();
        assert_eq!(copied_mode(&own, &own), Mode::from_raw_mode(0o6755));
        let mut other = own;
        other.st_uid += 1;
        other.st_gid += 1;
        assert_eq!(copied_mode(&own, &other), Mode::from_raw_mode(0o755));
    }
}
