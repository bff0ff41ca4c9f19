//! `sslmode` means what it says.

use std::io::Write as _;

use delta_core::{Error, ErrorKind, Result};
use delta_store_diesel::PgDieselStore;
use delta_store_diesel::diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use delta_testkit::database::{PostgresDatabase, PostgresServer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::NamedTempFile;

use super::ask::text_of;

/// A server that encrypts, with a certificate for `localhost` of an authority of its own.
struct Encrypting {
    server: PostgresServer,
    authority: NamedTempFile,
}

impl Encrypting {
    async fn start() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let mut authority = NamedTempFile::new().expect("a file");
        let certificate = params.self_signed(&key).expect("a certificate");
        authority.write_all(certificate.pem().as_bytes()).expect("a written file");
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");

        let server = PostgresServer::start_private(&[]).await.expect("a server");
        let mut conn = AsyncPgConnection::establish(server.url()).await.expect("a connection");
        // The files are to be the server's own, and readable by nobody else.
        for (file, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
            let lines = text.lines().map(|line| format!("('{line}')")).collect::<Vec<_>>().join(", ");
            let write = format!("COPY (VALUES {lines}) TO PROGRAM 'umask 077; cat > {file}'");
            conn.batch_execute(&write).await.expect("a file of the server's");
        }
        // The server answers requests to encrypt once it has read its settings again; each new session shows whether.
        conn.batch_execute("ALTER SYSTEM SET ssl = on").await.expect("a setting");
        conn.batch_execute("SELECT pg_reload_conf()").await.expect("a signal");
        let this = Self { server, authority };
        for _ in 0..1_000 {
            if this.session("localhost", "require").await.is_ok() {
                return this;
            }
        }
        panic!("a server that encrypts");
    }

    /// Whether a session is encrypted.
    async fn session(&self, host: &str, mode: &str) -> Result<bool> {
        let url = self.server.url().replace("127.0.0.1", host);
        is_encrypted(&format!("{url}?sslmode={mode}")).await
    }

    async fn verified(&self, host: &str) -> Result<bool> {
        let roots = self.authority.path().to_str().expect("a path");
        self.session(host, &format!("verify-full&sslrootcert={roots}")).await
    }
}

async fn is_encrypted(url: &str) -> Result<bool> {
    let store = PgDieselStore::connect(url).await?;
    let mut conn = store.pool().get().await.map_err(|error| Error::new(ErrorKind::Unavailable, "test", error))?;
    let text = "SELECT ssl::text AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    Ok(text_of(&mut conn, text).await == "true")
}

#[tokio::test]
async fn a_session_is_encrypted_as_its_mode_says() {
    let server = Encrypting::start().await;
    for (mode, encrypted) in [("disable", false), ("prefer", true), ("require", true)] {
        assert_eq!(server.session("127.0.0.1", mode).await.expect(mode), encrypted, "{mode}");
    }
}

#[tokio::test]
async fn a_verified_host_is_the_one_of_a_certificate_that_is_trusted() {
    let server = Encrypting::start().await;
    assert!(server.verified("localhost").await.expect("a session"));
    let error = server.verified("127.0.0.1").await.expect_err("a certificate for another host");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = server.session("localhost", "verify-full").await.expect_err("an authority that nobody knows");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = server.session("localhost", "verify-full&sslrootcert=/no/such/file").await.expect_err("no authority");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn the_servers_code_is_read_through_encryption() {
    let server = Encrypting::start().await;
    let url = format!("{}?sslmode=require", server.server.url()).replace("/postgres?", "/no_such_database?");
    let error = is_encrypted(&url).await.expect_err("no such database");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let store = PgDieselStore::connect(format!("{}?sslmode=require", server.server.url())).await.expect("a store");
    let error = delta_core::Store::check(&store, &mut store.pool().get().await.expect("a connection")).await;
    assert_eq!(error.expect_err("no schema").kind(), ErrorKind::Unsupported);
    super::errors::assert_codes_are_read(&store).await;
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_refused_where_that_is_asked_for() {
    let database = PostgresDatabase::create().await.expect("a database");
    assert!(!is_encrypted(&format!("{}?sslmode=prefer", database.url())).await.expect("a session"));
    for mode in ["require", "verify-full"] {
        let error = is_encrypted(&format!("{}?sslmode={mode}", database.url())).await.expect_err(mode);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}
