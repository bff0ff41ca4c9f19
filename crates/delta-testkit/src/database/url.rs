//! URLs of servers, changed as text so that every parameter stays as it was given.

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

#[cfg(test)]
mod tests {
    use super::{with_database, without_password};

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
