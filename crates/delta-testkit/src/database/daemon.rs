use std::fmt;
use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Signal, kill_process};

use super::DatabaseError;
use super::poll::{PATIENCE, poll};
use super::process::Process;
use super::sandbox::Sandbox;

/// How many ports are tried, as somebody else may take the one that was found free.
const PORTS: u32 = 10;

/// How a server's program is started and ended.
pub(crate) trait Launch: fmt::Debug + Send + Sync + 'static {
    /// What the server says when something that is on its way out holds its port or its memory.
    const PASSING: &'static [&'static str];
    /// Stops it in order, without waiting for its clients.
    const STOP: Signal;
    /// Ends it at once, when nobody needs its data any more.
    const END: Signal;

    /// Starts the server on a port of 127.0.0.1; returns when it accepts connections.
    fn once(&self, sandbox: &Sandbox, port: u16) -> Result<Process, DatabaseError>;
}

/// A server running in a directory of its own, on a port that stays the same over restarts.
///
/// # Guarantees
///
/// It ends and its directory goes when the value is dropped, and when this process ends in any way.
#[derive(Debug)]
pub(crate) struct Daemon<L: Launch> {
    launch: L,
    port: u16,
    process: Mutex<Option<Process>>,
    /// Last, so that the server is stopped before its directory goes.
    sandbox: Sandbox,
}

impl<L: Launch> Daemon<L> {
    /// Starts a server on a port that nobody uses; returns when it accepts connections.
    pub(crate) fn start(launch: L, sandbox: Sandbox) -> Result<Self, DatabaseError> {
        let mut tries = 1;
        loop {
            let port = TcpListener::bind(("127.0.0.1", 0))
                .and_then(|listener| listener.local_addr())
                .map_err(DatabaseError::io("find a free port on 127.0.0.1"))?
                .port();
            match launch.once(&sandbox, port) {
                Ok(process) => return Ok(Self { launch, port, process: Mutex::new(Some(process)), sandbox }),
                Err(error) if tries == PORTS || !is_passing::<L>(&error) => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }

    /// How it was started.
    pub(crate) fn launch(&self) -> &L {
        &self.launch
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills the server, and on Linux every process of it, with `kill -9`; returns when it has ended.
    pub(crate) fn kill9(&self) -> Result<(), DatabaseError> {
        let mut process = self.process();
        if let Some(server) = process.as_mut() {
            let children = server.children();
            server.signal(Signal::KILL)?;
            for child in children {
                // It may have ended by itself, as it does when it notices.
                let _ = kill_process(child, Signal::KILL);
            }
            server.wait(PATIENCE)?;
        }
        *process = None;
        Ok(())
    }

    /// Stops the server in order; returns when it has ended. Does nothing if it does not run.
    pub(crate) fn stop(&self) -> Result<(), DatabaseError> {
        self.end(L::STOP)
    }

    /// Starts the server again, after [`stop`](Self::stop) if it runs; returns when it accepts connections.
    pub(crate) fn restart(&self) -> Result<(), DatabaseError> {
        self.stop()?;
        let mut last = None;
        let started = poll(PATIENCE, || match self.launch.once(&self.sandbox, self.port) {
            Ok(process) => Ok(Some(process)),
            Err(error) if is_passing::<L>(&error) => {
                last = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        })?;
        match (started, last) {
            (Some(process), _) => *self.process() = Some(process),
            (None, Some(error)) => return Err(error),
            (None, None) => unreachable!("a poll without an answer has asked"),
        }
        Ok(())
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, how: Signal) -> Result<(), DatabaseError> {
        let mut process = self.process();
        if let Some(server) = process.as_mut() {
            server.signal(how)?;
            server.wait(PATIENCE)?;
        }
        *process = None;
        Ok(())
    }
}

impl<L: Launch> Drop for Daemon<L> {
    fn drop(&mut self) {
        // Reaped here; the watchdog sees to it if this fails.
        let _ = self.end(L::END);
    }
}

fn is_passing<L: Launch>(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Program { log, .. } if L::PASSING.iter().any(|text| log.contains(text)))
}
