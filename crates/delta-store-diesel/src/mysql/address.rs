use std::path::PathBuf;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::mysql::SESSION;
use mysql_async::{Opts, OptsBuilder, SslOpts};

/// Reads where a database is, and how to connect to it.
pub(super) fn parse(url: &str) -> Result<Opts> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("no scheme"))?;
    if !matches!(scheme, "mysql" | "mariadb") {
        return Err(invalid(&format!("the scheme {scheme:?}")));
    }
    let (ssl, rest) = split(rest)?;
    // The parser's own words may hold parts of the URL, and with it a password.
    let opts = Opts::from_url(&format!("mysql://{rest}")).map_err(|error| invalid(wording(&error)))?;
    if opts.db_name().is_none_or(str::is_empty) {
        return Err(invalid("no database"));
    }
    let builder = OptsBuilder::from_opts(opts.clone())
        .init(vec![SESSION])
        // diesel keeps statements itself, and counts rows as it does on other databases.
        .stmt_cache_size(0)
        .client_found_rows(true)
        // Where the URL names a host, that is where to connect to, and no socket that the server tells of.
        .prefer_socket(opts.socket().is_some());
    Ok(builder.ssl_opts(ssl).into())
}

fn wording(error: &mysql_async::UrlError) -> &'static str {
    use mysql_async::UrlError;
    match error {
        UrlError::UnknownParameter { .. } | UrlError::FeatureRequired { .. } => "a parameter that is not known",
        UrlError::InvalidParamValue { .. } => "a parameter with a value that it cannot have",
        _ => "something else",
    }
}

fn invalid(found: &str) -> Error {
    let what = format!("expected mysql://user:password@host:port/database, found {found}");
    Error::new(ErrorKind::Invalid, "database url", what)
}

/// Takes out of a URL how to encrypt: the driver has other names for it.
fn split(url: &str) -> Result<(Option<SslOpts>, String)> {
    let Some((rest, parameters)) = url.split_once('?') else {
        return Ok((None, url.to_owned()));
    };
    let (mut ssl, mut roots, mut kept) = (None, None, Vec::new());
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("ssl-mode", mode)) => ssl = encryption(mode)?,
            Some(("ssl-ca", path)) => roots = Some(PathBuf::from(path)),
            _ => kept.push(parameter),
        }
    }
    let ssl = match (ssl, roots) {
        (None, Some(_)) => return Err(invalid("ssl-ca without an ssl-mode that encrypts")),
        (Some(ssl), Some(roots)) => Some(ssl.with_root_certs(vec![roots.into()])),
        (ssl, None) => ssl,
    };
    let url = if kept.is_empty() { rest.to_owned() } else { format!("{rest}?{}", kept.join("&")) };
    Ok((ssl, url))
}

fn encryption(mode: &str) -> Result<Option<SslOpts>> {
    Ok(match mode.to_ascii_uppercase().replace('-', "_").as_str() {
        "DISABLED" => None,
        "REQUIRED" => {
            Some(SslOpts::default().with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true))
        }
        "VERIFY_CA" => Some(SslOpts::default().with_danger_skip_domain_validation(true)),
        "VERIFY_IDENTITY" => Some(SslOpts::default()),
        _ => {
            let modes = "DISABLED, REQUIRED, VERIFY_CA and VERIFY_IDENTITY are known";
            return Err(invalid(&format!("ssl-mode={mode}, where {modes}")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let opts = parse("mysql://u:p@db.example:3310/app?ssl-mode=VERIFY_CA").unwrap();
        assert_eq!((opts.ip_or_hostname(), opts.tcp_port(), opts.db_name()), ("db.example", 3310, Some("app")));
        let ssl = opts.ssl_opts().unwrap();
        assert!(ssl.skip_domain_validation() && !ssl.accept_invalid_certs());
        assert!(parse("mysql://h/d?ssl-mode=required").unwrap().ssl_opts().unwrap().accept_invalid_certs());
        assert!(!parse("mysql://h/d?ssl-mode=verify_identity").unwrap().ssl_opts().unwrap().skip_domain_validation());
        let opts = parse("mariadb://h/d").unwrap();
        assert!(opts.ssl_opts().is_none() && !opts.prefer_socket());
        assert_eq!(opts.init(), [SESSION]);
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in [
            "",
            "secret",
            "postgres://root:secret@localhost/x",
            "mysql://u:secret@h:port/d",
            "mysql://u:secret@h",
            "mysql://u:secret@h/",
            "mysql://u:secret@h/d?ssl-mode=perhaps",
            "mysql://u:secret@h/d?ssl-mode=PREFERRED",
            "mysql://u:secret@h/d?ssl-ca=/x",
            "mysql://u:p@h/d?pool_min=secret",
            "mysql://u:p@h/d?secret=1",
        ] {
            let error = parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
