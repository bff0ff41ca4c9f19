use std::fs;

use super::super::DatabaseError;
use super::super::account::Account;
use super::super::password::password;
use super::super::poll::PATIENCE;
use super::super::sandbox::Sandbox;
use super::programs::Programs;

/// The folder of a server's data in its sandbox.
pub(super) const DATA: &str = "data";

/// The statements that a server runs at its start, in its sandbox.
pub(super) const ACCOUNTS: &str = "accounts.sql";

/// The administrator that tests use; the one that the installation makes may not come from the network.
pub(super) const USER: &str = "delta";

/// Makes the data folder of a server, and returns the password of its administrator.
pub(super) fn initialise(sandbox: &Sandbox, account: Account, programs: &Programs) -> Result<String, DatabaseError> {
    let password = password()?;
    let file = sandbox.path().join(ACCOUNTS);
    let user = format!("'{USER}'@'127.0.0.1'");
    // Each a line of its own, and none that fails at the second start.
    let statements = format!(
        "CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION;\n"
    );
    fs::write(&file, statements).map_err(DatabaseError::io("write the accounts of a server"))?;
    account.give(&file)?;
    let arguments = [
        "--no-defaults".to_owned(),
        format!("--datadir={}", sandbox.path().join(DATA).display()),
        // Not TMPDIR, where its account may not write.
        format!("--tmpdir={}", sandbox.path().display()),
        // The administrator of the socket, which is in a directory that only the server's user may enter.
        "--auth-root-authentication-method=normal".to_owned(),
        "--skip-test-db".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--innodb-flush-log-at-trx-commit=0".to_owned(),
        format!("--innodb-log-file-size={}", super::launch::LOG_FILE_SIZE),
    ];
    let mut process = sandbox.spawn("install-db", programs.install(), &arguments)?;
    let status = process.wait(PATIENCE)?;
    if status.success() { Ok(password) } else { Err(process.failed(format!("failed ({status})"))) }
}
