//! Runs a Postgres server until standard input ends: `cargo run -p delta-testkit --features database --example
//! postgres_server`.
//!
//! The first line of standard output is its URL. The server is the one that tests would use, see
//! `delta_testkit::database`; what was started goes when this program ends in any way.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use delta_testkit::database::postgres_blocking;

fn main() -> ExitCode {
    match serve() {
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

fn serve() -> Result<(), Box<dyn Error>> {
    let server = postgres_blocking()?;
    println!("{}", server.url());
    io::stdout().flush()?;
    eprintln!("{server}; it ends with this program's standard input");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
