use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};

use delta::core::GivenOut;

use super::record::{End, FORMAT, Header, Item, Place, Record};
use super::tally::Tally;
use crate::failure::Failure;

/// How every export begins.
const HEADER: &[u8] = b"{\"delta_export\":{\"format\":";

/// What a file holds, as far as its lines are whole.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) header: Option<Header>,
    pub(crate) given_out: Option<GivenOut>,
    pub(crate) tally: Tally,
    /// Where its last record stands.
    pub(crate) place: Place,
    /// How long the whole lines are.
    bytes: u64,
    lines: u64,
    end: Option<End>,
}

/// A file that holds a whole export.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) given_out: GivenOut,
    pub(crate) end: End,
    pub(crate) count: u64,
}

/// Reads an export line by line, and says of each what is wrong with it.
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
    /// What follows the last line feed.
    tail: Vec<u8>,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::file(path, error))?;
        Ok(Self::of(path, file))
    }

    /// Reads a file that is open already, from its beginning.
    pub(crate) fn of(path: &Path, file: File) -> Self {
        Self { path: path.to_owned(), reader: BufReader::with_capacity(1 << 18, file), number: 0, tail: Vec::new() }
    }

    /// The next line without its line feed; none at the end, or where the file breaks off within a line.
    fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).map_err(|error| Failure::file(&self.path, error))?;
        if line.last() != Some(&b'\n') {
            self.tail = line;
            return Ok(None);
        }
        line.pop();
        self.number += 1;
        String::from_utf8(line).map(Some).map_err(|_| self.wrong("expected text in UTF-8, found something else"))
    }

    /// The next record with its line.
    pub(crate) fn record(&mut self) -> Result<Option<(Record, String)>, Failure> {
        let Some(line) = self.line()? else { return Ok(None) };
        if self.number == 1 {
            self.check_format(&line)?;
        }
        match serde_json::from_str(&line) {
            Ok(record) => Ok(Some((record, line))),
            Err(error) => Err(self.wrong(format!("expected a record of an export, found something else: {error}"))),
        }
    }

    /// The next record, checked.
    pub(crate) fn item(&mut self) -> Result<Option<(Item, usize)>, Failure> {
        let Some((record, line)) = self.record()? else { return Ok(None) };
        let item = record.into_item().map_err(|what| self.wrong(what))?;
        Ok(Some((item, line.len())))
    }

    fn check_format(&self, line: &str) -> Result<(), Failure> {
        let header: Option<serde_json::Value> = serde_json::from_str(line).ok();
        match header.as_ref().and_then(|header| header["delta_export"]["format"].as_u64()) {
            Some(format) if format == u64::from(FORMAT) => Ok(()),
            Some(format) => {
                Err(self
                    .wrong(format!("expected an export of format {FORMAT}, found format {format}: use its program")))
            }
            None => Err(self.wrong("expected the header of an export, found something else")),
        }
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Failure {
        Failure::Input(format!("{} line {}: {what}", self.path.display(), self.number))
    }
}

impl Part {
    /// Reads all whole lines of a file, and checks each of them.
    pub(crate) fn read(mut lines: Lines) -> Result<Self, Failure> {
        let mut part = Self::nothing();
        while let Some((record, line)) = lines.record()? {
            part.add(record, &line).map_err(|what| lines.wrong(what))?;
        }
        // Not even the first line is whole: it may be anything.
        let begin = lines.tail.len().min(HEADER.len());
        if part.header.is_none() && lines.tail[..begin] != HEADER[..begin] {
            return Err(lines.wrong("expected the header of an export, found something else"));
        }
        Ok(part)
    }

    fn nothing() -> Self {
        let (tally, place) = (Tally::default(), Place::Start);
        Self { header: None, given_out: None, tally, place, bytes: 0, lines: 0, end: None }
    }

    fn add(&mut self, record: Record, line: &str) -> Result<(), String> {
        let place = record.place()?;
        if self.header.is_none() != (place == Place::Start) {
            return Err(format!("expected the header first and once, found {place}"));
        }
        if self.header.is_some() && place <= self.place {
            return Err(format!("expected what comes after {}, found {place}", self.place));
        }
        self.tally.add(&record, line);
        self.bytes += line.len() as u64 + 1;
        self.lines += 1;
        let highest = self.given_out;
        match record.into_item()? {
            Item::Header(header) => self.header = Some(header),
            Item::GivenOut(given_out) => self.given_out = Some(given_out),
            Item::Resource(row) if highest.is_none_or(|highest| row.id > highest.id) => {
                return Err(format!("expected an id that was given out, found {}", row.id));
            }
            Item::Event(event) if highest.is_none_or(|highest| event.position > highest.position) => {
                return Err(format!("expected a position that was given out, found {}", event.position));
            }
            Item::End(end) => {
                let found = self.tally.end();
                if end != found {
                    return Err(format!("expected the end to be {end:?}, found {found:?}: the file was changed"));
                }
                self.end = Some(end);
            }
            Item::Scope(_) | Item::Resource(_) | Item::Event(_) | Item::Cursor(_) | Item::DeadLetter(_) => {}
        }
        self.place = place;
        Ok(())
    }

    /// What the file says at its end, if it is whole.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The whole export, or where it breaks off.
    pub(crate) fn whole(self, path: &Path) -> Result<Checked, Failure> {
        let Self { end: Some(end), given_out: Some(given_out), tally, .. } = self else {
            let what = format!(
                "expected a whole export, found {} cut off after line {} ({}); `delta export --resume` goes on with it",
                path.display(),
                self.lines,
                self.place
            );
            return Err(Failure::Input(what));
        };
        Ok(Checked { given_out, end, count: tally.count() })
    }
}

/// Where an export is written.
pub(crate) struct Export(BufWriter<Output>);

enum Output {
    File(PathBuf, File),
    Stdout(io::Stdout),
}

impl Export {
    pub(crate) fn stdout() -> Self {
        Self(BufWriter::with_capacity(1 << 18, Output::Stdout(io::stdout())))
    }

    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds everybody's objects.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self::of(path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let path = path.display();
                Err(Failure::Input(format!(
                    "expected no file {path}, found one; --resume goes on with a cut-off export"
                )))
            }
            Err(error) => Err(Failure::file(path, error)),
        }
    }

    /// Goes on after the whole lines of a file.
    pub(crate) fn append(path: &Path, part: &Part) -> Result<Self, Failure> {
        let open = || -> io::Result<File> {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.set_len(part.bytes)?;
            file.seek(io::SeekFrom::End(0))?;
            Ok(file)
        };
        open().map(|file| Self::of(path, file)).map_err(|error| Failure::file(path, error))
    }

    fn of(path: &Path, file: File) -> Self {
        Self(BufWriter::with_capacity(1 << 18, Output::File(path.to_owned(), file)))
    }

    pub(crate) fn record(&mut self, record: &Record) -> Result<(), Failure> {
        let line = serde_json::to_string(record).map_err(io::Error::other)?;
        self.line(&line)
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        let written = self.0.write_all(line.as_bytes()).and_then(|()| self.0.write_all(b"\n"));
        written.map_err(|error| self.0.get_ref().failure(error))
    }

    /// Hands on what was written; a file is on the disk then.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.0.flush().and_then(|()| match self.0.get_ref() {
            Output::File(_, file) => file.sync_all(),
            Output::Stdout(_) => Ok(()),
        });
        flushed.map_err(|error| self.0.get_ref().failure(error))
    }
}

impl Output {
    fn failure(&self, error: io::Error) -> Failure {
        match self {
            Self::File(path, _) => Failure::file(path, error),
            Self::Stdout(_) => Failure::Output(error),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(_, file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(_, file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}
