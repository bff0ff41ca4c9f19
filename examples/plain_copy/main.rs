//! What a mirror is measured against: a plain recursive copy that syncs each file, in one thread, without any record of what
//! is done.
//!
//! `cargo run --release --example plain_copy -- <source> <target>`
//!
//! It copies regular files, directories and symbolic links with their modes and times, as the mirror does, into a target that
//! must not exist yet.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use delta_examples::Stopwatch;

/// Copies a tree, and syncs each file.
#[derive(Debug, Parser)]
#[command(name = "plain_copy")]
struct Args {
    source: PathBuf,
    /// It must not exist yet.
    target: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let watch = Stopwatch::start();
    match directory(&args.source, &args.target) {
        Ok(files) => {
            println!("copied    {files} files");
            println!("took      {:.1} s", watch.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("plain_copy: {error}");
            ExitCode::FAILURE
        }
    }
}

fn directory(source: &Path, target: &Path) -> io::Result<u64> {
    fs::create_dir(target)?;
    let mut files = 0;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files += directory(&from, &to)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else {
            file(&from, &to)?;
            files += 1;
        }
    }
    let metadata = fs::metadata(source)?;
    fs::set_permissions(target, metadata.permissions())?;
    File::open(target)?.set_modified(metadata.modified()?)?;
    Ok(files)
}

fn file(source: &Path, target: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(source)?, File::create_new(target)?);
    io::copy(&mut from, &mut to)?;
    let metadata = from.metadata()?;
    to.set_permissions(metadata.permissions())?;
    to.set_modified(metadata.modified()?)?;
    to.sync_all()
}
