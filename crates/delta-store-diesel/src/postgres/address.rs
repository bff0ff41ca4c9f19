use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Result};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

/// How far a session is encrypted: `sslmode` in the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Encryption {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

/// Where a database is, as a URL says.
#[derive(Clone)]
pub(super) struct Address {
    /// As it was given. Never shown, for it may hold a password.
    pub(super) url: Arc<str>,
    pub(super) config: Config,
    pub(super) encryption: Encryption,
    /// The certificates to trust: `sslrootcert` in the URL.
    pub(super) roots: Option<PathBuf>,
}

impl Address {
    pub(super) fn parse(url: &str, application_name: &str, connect_timeout: Duration) -> Result<Self> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            return Err(invalid(&scheme.map_or("no scheme".to_owned(), |scheme| format!("the scheme {scheme:?}"))));
        }
        let (encryption, roots, rest) = split(url)?;
        // The parser's own words name at most one parameter; the URL itself, and with it a password, is never shown.
        let mut config = Config::from_str(&rest).map_err(|error| invalid(&error.to_string()))?;
        if config.get_application_name().is_none() {
            config.application_name(application_name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(connect_timeout);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        let unix = config.get_hosts().iter().filter(|host| matches!(host, Host::Unix(_))).count();
        if unix > 0 && (config.get_hosts().len() > 1 || encryption > Encryption::Prefer) {
            return Err(invalid("a Unix socket among other hosts, or one that is to be encrypted"));
        }
        if config.get_ssl_negotiation() == SslNegotiation::Direct && encryption < Encryption::Require {
            return Err(invalid("sslnegotiation=direct without sslmode=require or sslmode=verify-full"));
        }
        config.ssl_mode(SslMode::Require);
        Ok(Self { url: url.into(), config, encryption, roots })
    }

    /// The path of the Unix socket, if that is what the address names.
    pub(super) fn unix_socket(&self) -> Option<PathBuf> {
        match self.config.get_hosts() {
            [Host::Unix(folder)] => {
                let port = self.config.get_ports().first().copied().unwrap_or(5432);
                Some(folder.join(format!(".s.PGSQL.{port}")))
            }
            _ => None,
        }
    }
}

fn invalid(found: &str) -> Error {
    let what = format!("expected postgres://user:password@host:port/database, found {found}");
    Error::new(ErrorKind::Invalid, "database url", what)
}

/// Takes the parameters out of a URL that the driver knows less of.
fn split(url: &str) -> Result<(Encryption, Option<PathBuf>, String)> {
    let (mut encryption, mut roots) = (Encryption::Prefer, None);
    let Some((rest, parameters)) = url.split_once('?') else {
        return Ok((encryption, roots, url.to_owned()));
    };
    let mut kept = Vec::new();
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("sslmode", mode)) => {
                encryption = match mode {
                    "disable" => Encryption::Disable,
                    "prefer" => Encryption::Prefer,
                    "require" => Encryption::Require,
                    "verify-full" => Encryption::VerifyFull,
                    _ => {
                        let modes = "disable, prefer, require and verify-full are known";
                        return Err(invalid(&format!("sslmode={mode}, where {modes}")));
                    }
                }
            }
            Some(("sslrootcert", path)) => roots = Some(PathBuf::from(decoded(path))),
            _ => kept.push(parameter),
        }
    }
    if roots.is_some() && encryption != Encryption::VerifyFull {
        return Err(invalid("sslrootcert without sslmode=verify-full, which alone looks at it"));
    }
    let url = if kept.is_empty() { rest.to_owned() } else { format!("{rest}?{}", kept.join("&")) };
    Ok((encryption, roots, url))
}

/// A value of a URL, with `%` and two digits for what must not stand in one.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(byte) = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(b'%');
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address> {
        Address::parse(url, "delta", Duration::from_secs(3))
    }

    #[test]
    fn a_url_says_where_and_how() {
        let address =
            parse("postgres://u:p@db.example:6000/app?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem").unwrap();
        assert_eq!(address.config.get_ports(), [6000]);
        assert_eq!(address.config.get_dbname(), Some("app"));
        assert_eq!(address.config.get_application_name(), Some("delta"));
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(address.encryption, Encryption::VerifyFull);
        assert_eq!(address.roots, Some(PathBuf::from("/etc/my ca.pem")));
        assert_eq!(parse("postgres://h/d").unwrap().encryption, Encryption::Prefer);
        let address = parse("postgres://h/d?application_name=mine&connect_timeout=1").unwrap();
        assert_eq!(address.config.get_application_name(), Some("mine"));
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(1)));
        let address = parse("postgresql://u@%2Frun%2Fpg:6000/d").unwrap();
        assert_eq!(address.unix_socket(), Some(PathBuf::from("/run/pg/.s.PGSQL.6000")));
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in [
            "",
            "secret",
            "mysql://root:secret@localhost/x",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h/d?sslmode=perhaps",
            "postgres://u:secret@h/d?sslmode=allow",
            "postgres://u:secret@h/d?sslmode=verify-ca",
            "postgres://u:secret@h/d?sslrootcert=/x",
            "postgres://u:secret@h/d?sslnegotiation=direct",
            "postgres://u:secret@%2Frun/d?sslmode=require",
        ] {
            let error = parse(url).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
