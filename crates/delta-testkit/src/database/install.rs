use std::sync::{Mutex, PoisonError};

use super::{DatabaseError, ServerKind, debian};

/// The installed programs of a server, or those that can be installed.
///
/// `find` looks for them, or says why there are none that can be used; `tried` is what else has been tried before.
pub(crate) fn programs<P>(
    kind: ServerKind,
    find: impl Fn() -> Result<P, String>,
    mut tried: Vec<String>,
) -> Result<P, DatabaseError> {
    // One at a time: tests with servers of their own may find at once that there are no programs.
    static INSTALLING: Mutex<()> = Mutex::new(());
    match find() {
        Ok(installed) => return Ok(installed),
        Err(why) if tried.contains(&why) => {}
        Err(why) => tried.push(why),
    }
    if !debian::can_install() {
        tried.push("not root on Debian, so nothing is installed".to_owned());
        return Err(DatabaseError::NoServer { kind, tried });
    }
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(installed) = find() {
        return Ok(installed);
    }
    let package = kind.package();
    eprintln!("delta-testkit: installing {package} with apt-get, as there is no {kind} on this machine");
    debian::install(package)?;
    find().map_err(|why| {
        tried.push(format!("apt-get installed {package}, but: {why}"));
        DatabaseError::NoServer { kind, tried }
    })
}
