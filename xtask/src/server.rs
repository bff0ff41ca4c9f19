use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::backend::Backend;
use crate::cargo::Built;
use crate::failure::Failure;

/// The example of `delta-testkit` that runs a server as its tests would.
const PROGRAM: &str = "database_server";

/// A database server that all test programs share.
///
/// It is a program of its own, built with the tests: were it a part of this one, the database driver would be compiled
/// with other features once more, and before the first message.
#[derive(Debug)]
pub(crate) struct Server {
    variable: &'static str,
    url: String,
    process: Child,
}

impl Server {
    /// Starts the program for a backend, or nothing for one that takes no server; it ends with this process in any way,
    /// since it then reads the end of its input.
    pub(crate) fn start(built: &Built, backend: Backend) -> Result<Option<Self>, Failure> {
        let Some(variable) = backend.variable() else {
            return Ok(None);
        };
        let mut process = Command::new(built.example(PROGRAM)?)
            .arg(backend.name())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::doing(format!("run {PROGRAM}")))?;
        let output = process.stdout.take().expect("the output is piped");
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url).map_err(Failure::doing(format!("read from {PROGRAM}")))?;
        let url = url.trim().to_owned();
        if url.is_empty() {
            let status = process.wait().map_err(Failure::doing(format!("wait for {PROGRAM}")))?;
            return Err(Failure::Status(status.code().unwrap_or(1)));
        }
        Ok(Some(Self { variable, url, process }))
    }

    /// Tells a command of the server.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env(self.variable, &self.url);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
