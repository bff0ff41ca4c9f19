//! URLs of servers, changed as text so that every parameter stays as it was given.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::Range;
use std::sync::Arc;

use super::{DatabaseError, ServerKind};

/// The same server, another database.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (url, None),
    };
    let authority = base.find("://").map_or(0, |at| at + "://".len());
    let end = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    let server = &base[..end];
    match query {
        Some(query) => format!("{server}/{database}?{query}"),
        None => format!("{server}/{database}"),
    }
}

/// The same database, at another address.
pub(crate) fn with_address(url: &str, address: SocketAddr) -> String {
    let host = host_of(url);
    format!("{}{address}{}", &url[..host.start], &url[host.end..])
}

/// Where the server is whose host and port a URL names.
pub(crate) fn address_of(url: &str) -> io::Result<SocketAddr> {
    let mut found = url[host_of(url)].to_socket_addrs()?;
    found.next().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "expected an address of the host, found none"))
}

/// Where the host and the port are in a URL.
fn host_of(url: &str) -> Range<usize> {
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
    url[start..end].rfind('@').map_or(start, |at| start + at + 1)..end
}

/// The URL without its password and parameters, for messages.
pub(crate) fn without_password(url: &str) -> String {
    let base = url.split_once('?').map_or(url, |(base, _)| base);
    let Some((scheme, rest)) = base.split_once("://") else {
        return "(not a URL)".to_owned();
    };
    match rest.rsplit_once('@') {
        Some((credentials, rest)) => {
            let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
            format!("{scheme}://{user}@{rest}")
        }
        None => base.to_owned(),
    }
}

/// What another program needs to connect to the same server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    /// User and password as they stand in the URL.
    pub(crate) credentials: String,
}

impl Server {
    /// Reads a URL that names the host, the user and the password.
    pub(crate) fn parse(kind: ServerKind, url: &str) -> Result<Self, DatabaseError> {
        Self::read(url).ok_or_else(|| {
            let why = format!("expected {}, each part of it, as another program is to connect too", kind.form());
            DatabaseError::InvalidUrl { kind, source: Arc::new(sqlx::Error::Configuration(why.into())) }
        })
    }

    fn read(url: &str) -> Option<Self> {
        let rest = url.split_once("://")?.1;
        let authority = rest.split(['/', '?']).next()?;
        let (credentials, address) = authority.rsplit_once('@')?;
        let (user, password) = credentials.split_once(':')?;
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (address, 5432),
        };
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            user: decoded(user)?,
            password: decoded(password)?,
            credentials: credentials.to_owned(),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, user, .. } = self;
        f.debug_struct("Server").field("host", host).field("port", port).field("user", user).finish_non_exhaustive()
    }
}

/// A part of a URL without its percent signs.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Server, address_of, with_address, with_database, without_password};

    #[test]
    fn another_program_is_told_of_the_server() {
        let read = |url| Server::read(url).map(|server| (server.host, server.port, server.user, server.password));
        let server = |host: &str, port, user: &str, password: &str| {
            Some((host.to_owned(), port, user.to_owned(), password.to_owned()))
        };
        for (url, expected) in [
            ("postgres://u:p@h:1/d", server("h", 1, "u", "p")),
            ("postgres://u:p%40%C3%A4%25@h?sslmode=disable", server("h", 5432, "u", "p@ä%")),
            ("postgres://u:p@[::1]:6/d", server("::1", 6, "u", "p")),
            ("postgres://u:p@[::1]/d", server("::1", 5432, "u", "p")),
            ("postgres:///d?host=/tmp", None),
            ("postgres://u:p%4@h/d", None),
            ("postgres://u@h/d", None),
        ] {
            assert_eq!(read(url), expected, "{url}");
        }
    }

    #[test]
    fn the_database_is_replaced_and_the_parameters_stay() {
        for (url, expected) in [
            ("postgres://u:p@h:1/old", "postgres://u:p@h:1/new"),
            ("postgres://u:p@h:1", "postgres://u:p@h:1/new"),
            ("postgres://h/old?sslmode=disable", "postgres://h/new?sslmode=disable"),
            ("postgres:///old?host=/tmp/socket", "postgres:///new?host=/tmp/socket"),
            ("postgres://h?host=/tmp", "postgres://h/new?host=/tmp"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }

    #[test]
    fn the_address_is_replaced_and_all_else_stays() {
        let address = "127.0.0.1:9".parse().unwrap();
        for (url, expected) in [
            ("postgres://u:p@h:1/d?sslmode=disable", "postgres://u:p@127.0.0.1:9/d?sslmode=disable"),
            ("postgres://u:p@h?sslmode=disable", "postgres://u:p@127.0.0.1:9?sslmode=disable"),
            ("mysql://u:p@[::1]:6", "mysql://u:p@127.0.0.1:9"),
            ("mysql://h/d", "mysql://127.0.0.1:9/d"),
        ] {
            assert_eq!(with_address(url, address), expected);
            assert_eq!(address_of(expected).unwrap(), address);
        }
    }

    #[test]
    fn a_message_shows_no_password() {
        for (url, expected) in [
            ("postgres://u:secret@h:1/d?password=secret", "postgres://u@h:1/d"),
            ("postgres://u:s@cret@h:1/d", "postgres://u@h:1/d"),
            ("postgres://h:1/d", "postgres://h:1/d"),
            ("secret", "(not a URL)"),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
