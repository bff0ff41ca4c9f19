use std::fs;

use super::super::DatabaseError;
use super::super::account::Account;
use super::super::password::password;
use super::super::poll::PATIENCE;
use super::super::sandbox::Sandbox;
use super::programs::Programs;

/// The folder of a server's data in its sandbox.
pub(super) const DATA: &str = "data";

/// Makes the data folder of a server, and returns the password of its superuser `postgres`.
pub(super) fn initialise(sandbox: &Sandbox, account: Account, programs: &Programs) -> Result<String, DatabaseError> {
    let password = password()?;
    let file = sandbox.path().join("password");
    fs::write(&file, &password).map_err(DatabaseError::io("write a password"))?;
    account.give(&file)?;
    // Most servers in use do not order text by bytes, and a query that relies on it is to be found here.
    if programs.version >= 15 {
        let collation = ["--locale-provider=icu", "--icu-locale=en-US"];
        match initdb(sandbox, programs, &collation) {
            Err(DatabaseError::Program { log, .. }) if log.contains("ICU") => {
                initdb(sandbox, programs, &[])?;
            }
            outcome => outcome?,
        }
    } else {
        initdb(sandbox, programs, &[])?;
    }
    fs::remove_file(&file).map_err(DatabaseError::io("remove a password"))?;
    Ok(password)
}

fn initdb(sandbox: &Sandbox, programs: &Programs, more: &[&str]) -> Result<(), DatabaseError> {
    let data = sandbox.path().join(DATA).display().to_string();
    let mut arguments = vec!["-D".to_owned(), data];
    arguments.extend(
        [
            "--username=postgres",
            "--pwfile=password",
            // Not `scram`, which costs an unoptimised client a lot on each connection.
            "--auth=password",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ]
        .iter()
        .chain(more)
        .map(|argument| (*argument).to_owned()),
    );
    let mut process = sandbox.spawn("initdb", &programs.path("initdb"), &arguments)?;
    let status = process.wait(PATIENCE)?;
    if status.success() { Ok(()) } else { Err(process.failed(format!("failed ({status})"))) }
}
