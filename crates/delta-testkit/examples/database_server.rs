//! Runs a database server until standard input ends: `cargo run -p delta-testkit --features database --example
//! database_server -- postgres`, or `-- mariadb`.
//!
//! The first line of standard output is its URL. The server is the one that tests would use, see
//! `delta_testkit::database`; what was started goes when this program ends in any way.

use std::env;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use delta_testkit::Backend;
use delta_testkit::database::{mariadb_blocking, postgres_blocking};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let name = env::args().nth(1).unwrap_or_default();
    match Backend::ALL.into_iter().find(|backend| backend.name() == name) {
        Some(Backend::Postgres) => {
            let server = postgres_blocking()?;
            serve(server, server.url())
        }
        Some(Backend::MariaDb) => {
            let server = mariadb_blocking()?;
            serve(server, server.url())
        }
        _ => Err(format!("expected the argument postgres or mariadb, found `{name}`").into()),
    }
}

fn serve(server: &impl Display, url: &str) -> Result<(), Box<dyn Error>> {
    println!("{url}");
    io::stdout().flush()?;
    eprintln!("{server}; it ends with this program's standard input");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
