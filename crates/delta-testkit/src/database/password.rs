use std::fs::File;
use std::io::Read;

use super::DatabaseError;

/// A password for a server's administrator: without one, every user of the machine could run programs as the server's user.
pub(crate) fn password() -> Result<String, DatabaseError> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(DatabaseError::io("read /dev/urandom"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
