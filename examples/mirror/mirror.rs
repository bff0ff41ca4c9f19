use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, chmodat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::copy;
use crate::entry::{Shape, hex};
use crate::report::Report;
use crate::target::{Entered, Target, Visit, copied_mode};
use crate::tree::{Look, Tree, is_absence, look_at, split};
use crate::trouble::Trouble;

/// Brings single entries of the target in step with the source. It blocks.
#[derive(Debug)]
pub(crate) struct Mirror {
    source: Arc<Tree>,
    target: Target,
    /// Makes temporary names differ from those of a mirror that has this target as its source.
    salt: String,
    busy: Mutex<HashSet<String>>,
    report: Arc<Report>,
}

/// The right to work on an entry: an attempt that was given up may still be at it in its thread.
#[derive(Debug)]
pub(crate) struct Turn {
    mirror: Arc<Mirror>,
    path: String,
}

/// How an entry was brought in step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// What the source has, and now the target too.
    pub(crate) shape: Shape,
    /// The entry is gone, and so is its directory from the source, but not from the target.
    pub(crate) stale_directory: Option<String>,
}

/// Temporary files begin so.
const TEMPORARY: &str = ".delta-mirror-";
/// How often a file that was written while it was copied is copied again before the attempt counts as failed.
const COPIES: usize = 3;

impl Mirror {
    pub(crate) fn open(source: &Path, target: &Path, report: Arc<Report>) -> io::Result<Self> {
        let source = Arc::new(Tree::open(source)?);
        let salt = target.canonicalize()?.as_os_str().as_encoded_bytes().escape_ascii().to_string();
        let target = Target::open(target, source.clone())?;
        Ok(Self { source, target, salt, busy: Mutex::default(), report })
    }

    pub(crate) fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// Takes the turn to work on an entry, unless somebody has it.
    pub(crate) fn turn(self: &Arc<Self>, path: &str) -> Option<Turn> {
        let taken = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        taken.then(|| Turn { mirror: self.clone(), path: path.to_owned() })
    }

    fn step(&self, path: &str, stop: &CancellationToken) -> Result<Done, Trouble> {
        let mut copies = 0;
        loop {
            match self.try_step(path, stop) {
                Err(Trouble::Changed) if copies < COPIES => copies += 1,
                done => return done,
            }
        }
    }

    fn try_step(&self, path: &str, stop: &CancellationToken) -> Result<Done, Trouble> {
        let wanted = self.source.look(path)?;
        if wanted.shape.is_directory() {
            return self.directory(path, wanted.shape);
        }
        let (parent, name) = split(path);
        let visit = match self.target.enter(parent)? {
            Entered::Visit(visit) => visit,
            // Without its directory, it is not there either.
            Entered::Gone | Entered::Blocked if wanted.shape == Shape::Absent => {
                return Ok(Done { shape: Shape::Absent, stale_directory: None });
            }
            Entered::Blocked => return Err(Trouble::Blocked),
            Entered::Gone => return Err(Trouble::Changed),
        };
        let shape = self.fill(path, name, &visit, &wanted, stop)?;
        visit.leave()?;
        let orphaned = shape == Shape::Absent && !self.source.look(parent)?.shape.is_directory();
        Ok(Done { shape, stale_directory: orphaned.then(|| parent.to_owned()) })
    }

    /// Makes a directory, and makes sure that it can be listed: else what is in it is not known.
    fn directory(&self, path: &str, shape: Shape) -> Result<Done, Trouble> {
        match self.target.enter(path)? {
            Entered::Visit(visit) => visit.leave()?,
            Entered::Gone => return Err(Trouble::Changed),
            Entered::Blocked => {
                let (parent, name) = split(path);
                let Entered::Visit(visit) = self.target.enter(parent)? else { return Err(Trouble::Blocked) };
                if !look_at(visit.as_fd(), name)?.shape.is_directory() {
                    copy::remove(visit.as_fd(), name)?;
                    visit.wrote();
                }
                visit.leave()?;
                return Err(Trouble::Changed);
            }
        }
        match self.source.directory(path) {
            Err(error) if is_absence(error) => Err(Trouble::Changed),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(Done { shape, stale_directory: None }),
        }
    }

    /// Makes what is no directory, or removes what is there.
    fn fill(
        &self,
        path: &str,
        name: &str,
        visit: &Visit<'_>,
        wanted: &Look,
        stop: &CancellationToken,
    ) -> Result<Shape, Trouble> {
        let temporary = self.temporary_name(path);
        let names = (&*temporary, name);
        let found = look_at(visit.as_fd(), name)?;
        match (&wanted.shape, &found.shape) {
            (Shape::File { size, modified, .. }, Shape::File { size: has, modified: at, .. })
                if (size, modified) == (has, at) =>
            {
                self.mode(visit, name, wanted)?;
                return Ok(wanted.shape.clone());
            }
            (Shape::Symlink { .. }, shape) if wanted.shape == *shape => return Ok(wanted.shape.clone()),
            (_, Shape::Directory { .. }) => match unlinkat(visit, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Err(Trouble::NotEmpty),
                removed => {
                    removed?;
                    visit.wrote();
                    self.report.removed();
                }
            },
            (Shape::Special { .. } | Shape::Absent, shape) if *shape != Shape::Absent => {
                copy::remove(visit.as_fd(), name)?;
                visit.wrote();
                self.report.removed();
            }
            _ => {}
        }
        match &wanted.shape {
            Shape::File { .. } => {
                let shape = copy::file(&self.source, path, visit, names, stop)?;
                if let Shape::File { size, .. } = shape {
                    self.report.copied(size);
                }
                Ok(shape)
            }
            Shape::Symlink { modified, .. } => {
                let target = wanted.link.as_deref().ok_or(Trouble::Changed)?;
                copy::link(target.to_bytes(), *modified, visit, names, stop)?;
                Ok(wanted.shape.clone())
            }
            _ => {
                // A killed attempt may have left it.
                copy::remove(visit.as_fd(), &temporary)?;
                Ok(wanted.shape.clone())
            }
        }
    }

    /// Sets the mode of a copy whose content is right.
    fn mode(&self, visit: &Visit<'_>, name: &str, wanted: &Look) -> Result<(), Trouble> {
        let (Some(source), Some(copy)) = (wanted.stat, look_at(visit.as_fd(), name)?.stat) else { return Ok(()) };
        let mode = copied_mode(&source, &copy);
        if mode.bits() == copy.st_mode & 0o7777 {
            return Ok(());
        }
        chmodat(visit, name, mode, AtFlags::empty())?;
        visit.wrote();
        self.report.adjusted();
        Ok(())
    }

    /// The name under which an entry is copied: the same for every attempt, so that each cleans up after the one before.
    fn temporary_name(&self, path: &str) -> String {
        let digest = Sha256::new().chain_update(&self.salt).chain_update([0]).chain_update(path).finalize();
        format!("{TEMPORARY}{}", hex(&digest[..16]))
    }

    /// The paths of the entries of a target directory that are in the way of its removal. An error names what has no path
    /// that is UTF-8.
    pub(crate) fn leftovers(&self, directory: &str) -> io::Result<Vec<(String, Shape)>> {
        let mut paths = Vec::new();
        for name in self.target.tree().names(directory)? {
            let Ok(name) = name.to_str() else {
                let message = format!("{name:?} in it is not UTF-8, and was not put there by a mirror");
                return Err(io::Error::other(message));
            };
            if !name.starts_with(TEMPORARY) {
                let path = crate::tree::join(directory, name);
                let shape = self.source.look(&path)?.shape;
                paths.push((path, shape));
            }
        }
        Ok(paths)
    }
}

impl Turn {
    /// Looks at the entry in the source, and makes the target alike.
    ///
    /// Cancelled while it runs, it ends at the next step that can wait; what is past its rename is finished. The next
    /// attempt at the entry gets its turn only after that.
    pub(crate) fn step(&self, stop: &CancellationToken) -> Result<Done, Trouble> {
        self.mirror.step(&self.path, stop)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.mirror.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    struct Trees {
        source: TempDir,
        target: TempDir,
        mirror: Arc<Mirror>,
    }

    fn trees() -> Trees {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mirror = Mirror::open(source.path(), target.path(), Arc::default()).unwrap();
        Trees { source, target, mirror: Arc::new(mirror) }
    }

    impl Trees {
        fn step(&self, path: &str) -> Result<Done, Trouble> {
            self.mirror.turn(path).unwrap().step(&CancellationToken::new())
        }

        fn target_names(&self) -> Vec<String> {
            let names = fs::read_dir(self.target.path()).unwrap();
            names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect()
        }

        /// A file that was written long enough ago.
        fn write(&self, path: &str, text: &str) {
            fs::write(self.source.path().join(path), text).unwrap();
            let written = self.mirror.source.look(path).unwrap().stat.unwrap();
            // A new file's time tells what the kernel's clock says.
            loop {
                let probe = tempfile::tempfile().unwrap();
                let now = rustix::fs::fstat(&probe).unwrap();
                let passed = crate::entry::Moment::changed(&now).since(crate::entry::Moment::changed(&written));
                if passed > 50_000_000 {
                    return;
                }
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn a_stopped_attempt_leaves_nothing() {
        let trees = trees();
        trees.write("f", "text");
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(matches!(trees.mirror.turn("f").unwrap().step(&stop), Err(Trouble::Stopped)));
        assert!(trees.target_names().is_empty());
    }

    #[test]
    fn an_entry_has_one_turn_at_a_time() {
        let trees = trees();
        let turn = trees.mirror.turn("f").unwrap();
        assert!(trees.mirror.turn("f").is_none());
        assert!(trees.mirror.turn("g").is_some());
        drop(turn);
        assert!(trees.mirror.turn("f").is_some());
    }

    #[test]
    fn what_a_killed_copy_left_is_replaced_or_removed() {
        let trees = trees();
        let temporary = trees.target.path().join(trees.mirror.temporary_name("f"));
        fs::write(&temporary, "half").unwrap();
        trees.write("f", "whole");
        trees.step("f").unwrap();
        assert_eq!(trees.target_names(), ["f"]);
        fs::write(&temporary, "half").unwrap();
        fs::remove_file(trees.source.path().join("f")).unwrap();
        assert_eq!(trees.step("f").unwrap().shape, Shape::Absent);
        assert!(trees.target_names().is_empty());
    }

    #[test]
    fn a_directory_goes_after_its_entries() {
        let trees = trees();
        fs::create_dir(trees.target.path().join("d")).unwrap();
        fs::write(trees.target.path().join("d/f"), "").unwrap();
        assert!(matches!(trees.step("d"), Err(Trouble::NotEmpty)));
        let temporary = format!("d/{}", trees.mirror.temporary_name("d/g"));
        fs::write(trees.target.path().join(temporary), "").unwrap();
        assert_eq!(trees.mirror.leftovers("d").unwrap(), [("d/f".to_owned(), Shape::Absent)]);
        let done = trees.step("d/f").unwrap();
        assert_eq!(done, Done { shape: Shape::Absent, stale_directory: Some("d".to_owned()) });
        trees.step("d/g").unwrap();
        trees.step("d").unwrap();
        assert!(trees.target_names().is_empty());
    }

    #[test]
    fn what_is_gone_is_not_waited_for_where_its_directory_is_another_thing() {
        let trees = trees();
        fs::write(trees.target.path().join("d"), "").unwrap();
        trees.write("d", "");
        assert_eq!(trees.step("d/f").unwrap(), Done { shape: Shape::Absent, stale_directory: None });
    }

    #[test]
    fn a_link_in_the_place_of_a_directory_leads_nobody_outside() {
        let (trees, outside) = (trees(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("f"), "precious").unwrap();
        symlink(outside.path(), trees.target.path().join("d")).unwrap();
        fs::create_dir(trees.source.path().join("d")).unwrap();
        trees.write("d/f", "new");
        assert!(matches!(trees.step("d/f"), Err(Trouble::Blocked)));
        assert!(trees.step("d").unwrap().shape.is_directory());
        trees.step("d/f").unwrap();
        assert_eq!(fs::read_to_string(trees.target.path().join("d/f")).unwrap(), "new");
        assert_eq!(fs::read_to_string(outside.path().join("f")).unwrap(), "precious");

        symlink(outside.path(), trees.source.path().join("e")).unwrap();
        assert_eq!(trees.step("e/f").unwrap().shape, Shape::Absent);
        assert_eq!(fs::read_to_string(outside.path().join("f")).unwrap(), "precious");
    }

    #[test]
    fn content_that_is_right_is_not_copied_again() {
        let trees = trees();
        trees.write("f", "text");
        trees.step("f").unwrap();
        assert_eq!(trees.mirror.report().counts().copied, 1);
        fs::set_permissions(trees.source.path().join("f"), std::os::unix::fs::PermissionsExt::from_mode(0o604))
            .unwrap();
        let shape = trees.step("f").unwrap().shape;
        assert_eq!(trees.mirror.target.tree().look("f").unwrap().shape, shape);
        let counts = trees.mirror.report().counts();
        assert_eq!((counts.copied, counts.adjusted), (1, 1));
    }
}
