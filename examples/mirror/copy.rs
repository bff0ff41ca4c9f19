use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fchmod, fstat, futimens, openat, renameat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::entry::{Moment, Shape};
use crate::target::{Visit, copied_mode};
use crate::times;
use crate::tree::{Tree, split};
use crate::trouble::Trouble;

/// How much is copied between two looks at the cancellation token.
const CHUNK: u64 = 4 << 20;
/// How long a file must have been left alone to tell by its times that it did not change since: two ticks of a kernel that
/// counts a hundred a second.
const SETTLED: Duration = Duration::from_millis(20);
/// The same on a file system that keeps whole seconds, or every other one.
const SETTLED_COARSE: Duration = Duration::from_secs(2);

/// Copies a regular file to `name` in a directory, by a temporary name, so that the copy is there whole or not at all. The
/// answer is what was copied, which may be newer than what was asked for.
pub(crate) fn file(
    source: &Tree,
    path: &str,
    into: &Visit<'_>,
    (temporary, name): (&str, &str),
    stop: &CancellationToken,
) -> Result<Shape, Trouble> {
    let (parent, source_name) = split(path);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = source.directory(parent).and_then(|parent| openat(&parent, source_name, flags, Mode::empty()));
    let from = File::from(match opened {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Err(Trouble::Changed),
        opened => opened?,
    });
    let before = fstat(&from)?;
    if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
        return Err(Trouble::Changed);
    }
    let copy = Temporary::file(into.as_fd(), temporary)?;
    let begun = fstat(&copy.1)?;
    fill(&from, &copy.1, stop)?;
    let (after, named) = (fstat(&from)?, source.look(path)?.stat);
    if !same(&before, &after) || !named.is_some_and(|named| same(&before, &named)) || !is_settled(&before, &begun) {
        return Err(Trouble::Changed);
    }
    fchmod(&copy.1, copied_mode(&before, &begun))?;
    futimens(&copy.1, &times::modified(Moment::modified(&before)))?;
    copy.1.sync_all()?;
    copy.0.place(name, stop)?;
    into.wrote();
    Ok(Shape::new(&before, None))
}

/// Makes a symbolic link at `name`, in place of whatever is there.
pub(crate) fn link(
    target: &[u8],
    modified: Moment,
    into: &Visit<'_>,
    (temporary, name): (&str, &str),
    stop: &CancellationToken,
) -> Result<(), Trouble> {
    remove(into.as_fd(), temporary)?;
    symlinkat(target, into, temporary)?;
    let link = Temporary { directory: into.as_fd(), name: temporary };
    rustix::fs::utimensat(into, temporary, &times::modified(modified), AtFlags::SYMLINK_NOFOLLOW)?;
    link.place(name, stop)?;
    into.wrote();
    Ok(())
}

/// Removes what is not a directory, if it is there.
pub(crate) fn remove(directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn fill(mut from: &File, mut to: &File, stop: &CancellationToken) -> Result<(), Trouble> {
    loop {
        if stop.is_cancelled() {
            return Err(Trouble::Stopped);
        }
        if io::copy(&mut from.by_ref().take(CHUNK), &mut to)? < CHUNK {
            return Ok(());
        }
    }
}

/// Whether nobody wrote between two looks, as far as the times tell.
fn same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino, one.st_size) == (other.st_dev, other.st_ino, other.st_size)
        && Moment::modified(one) == Moment::modified(other)
        && Moment::changed(one) == Moment::changed(other)
}

/// Whether a write after the copy was begun would show in the times: two writes within one tick of the clock look alike.
/// The temporary file's own time tells when the copy was begun.
fn is_settled(source: &Stat, begun: &Stat) -> bool {
    let changed = Moment::changed(source);
    let settled = if changed.nanos == 0 { SETTLED_COARSE } else { SETTLED };
    let settled = i128::try_from(settled.as_nanos()).unwrap_or(i128::MAX);
    // A time well in the future comes from a clock that was set back, and the next write will not repeat it.
    !(-settled..settled).contains(&Moment::changed(begun).since(changed))
}

/// A temporary entry, removed unless it is given its place.
struct Temporary<'a> {
    directory: BorrowedFd<'a>,
    name: &'a str,
}

impl<'a> Temporary<'a> {
    fn file(directory: BorrowedFd<'a>, name: &'a str) -> io::Result<(Self, File)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = match openat(directory, name, flags, mode) {
            Err(Errno::EXIST) => {
                // Left over from an attempt of a process that was killed.
                remove(directory, name)?;
                openat(directory, name, flags, mode)
            }
            opened => opened,
        };
        Ok((Self { directory, name }, file?.into()))
    }

    fn place(self, name: &str, stop: &CancellationToken) -> Result<(), Trouble> {
        if stop.is_cancelled() {
            return Err(Trouble::Stopped);
        }
        renameat(self.directory, self.name, self.directory, name)?;
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // The next attempt removes it before it begins, if this does not.
        let _ = remove(self.directory, self.name);
    }
}
