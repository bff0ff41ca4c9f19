use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use delta::InformError;
use futures::Stream;
use futures::stream;
use tokio::sync::mpsc;
use walkdir::WalkDir;

use crate::entry::{Entry, ROOT, Shape};
use crate::report::Report;
use crate::tree::Tree;

/// How many entries the walk may be ahead of its reader.
const AHEAD: usize = 1_000;

/// What a walk could not read. It is told at the walk's end, after all that it could, so that everything else goes on;
/// but a walk that ends so is not complete, and nothing that it has not found counts as missing.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    errors: Vec<String>,
    more: usize,
}

/// Walks over the whole tree, a directory before its entries. Dropping the stream ends the walk.
pub(crate) fn walk(root: PathBuf, report: Arc<Report>) -> impl Stream<Item = Result<Entry, InformError>> + Send {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(unread) = read(&root, &report, &sender) {
            // Whoever no longer listens does not want to know.
            let _ = sender.blocking_send(Err(InformError::from(unread)));
        }
    });
    stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) })
}

fn read(root: &Path, report: &Report, sender: &mpsc::Sender<Result<Entry, InformError>>) -> Result<(), Unread> {
    let mut unread = Unread::default();
    // Opened anew for each walk: the source may have been mounted or replaced since.
    let tree = match Tree::open(root) {
        Ok(tree) => tree,
        Err(error) => return Err(unread.with(root, error)),
    };
    report.begin_walk();
    for item in WalkDir::new(root).follow_root_links(true) {
        let item = match item {
            Ok(item) => item,
            Err(error) if error.io_error().is_some_and(is_gone) && error.depth() > 0 => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                unread = unread.with(&path, error);
                continue;
            }
        };
        let relative = item.path().strip_prefix(root).unwrap_or(item.path());
        let Some(path) = relative.to_str() else {
            report.saw_unnamed(relative);
            continue;
        };
        let path = if path.is_empty() { ROOT } else { path };
        match tree.look(path) {
            Ok(look) if look.shape == Shape::Absent => {}
            Ok(look) => {
                report.saw();
                if sender.blocking_send(Ok(Entry { path: path.to_owned(), shape: look.shape })).is_err() {
                    return Ok(());
                }
            }
            Err(error) => unread = unread.with(item.path(), error),
        }
    }
    if unread.errors.is_empty() { Ok(()) } else { Err(unread) }
}

/// Whether something vanished between being listed and being looked at.
fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

impl Unread {
    const KEPT: usize = 10;

    #[expect(clippy::unnecessary_debug_formatting, reason = "it keeps every byte of the name, escaped")]
    fn with(mut self, path: &Path, error: impl fmt::Display) -> Self {
        if self.errors.len() < Self::KEPT {
            self.errors.push(format!("{path:?}: {error}"));
        } else {
            self.more += 1;
        }
        self
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not read {}", self.errors.join("; "))?;
        match self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Unread {}
