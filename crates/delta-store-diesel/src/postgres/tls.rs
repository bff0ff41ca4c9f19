use std::convert::Infallible;
use std::future::{Ready, ready};
use std::path::Path;
use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use futures::future::{MapOk, TryFutureExt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tap::{LastCode, Tapped};

/// No encryption, as something to encrypt with: so that the stream is handed over to be read along.
pub(super) struct Plain(pub(super) LastCode);

impl MakeTlsConnect<Socket> for Plain {
    type Stream = Tapped<Socket>;
    type TlsConnect = Self;
    type Error = Infallible;

    fn make_tls_connect(&mut self, _: &str) -> Result<Self, Infallible> {
        Ok(Self(self.0.clone()))
    }
}

impl TlsConnect<Socket> for Plain {
    type Stream = Tapped<Socket>;
    type Error = Infallible;
    type Future = Ready<Result<Tapped<Socket>, Infallible>>;

    fn connect(self, stream: Socket) -> Self::Future {
        ready(Ok(Tapped::plain(stream, self.0)))
    }
}

/// Encryption, whose stream is read along.
pub(super) struct Encrypted<T>(pub(super) T, pub(super) LastCode);

impl<T: MakeTlsConnect<Socket>> MakeTlsConnect<Socket> for Encrypted<T> {
    type Stream = Tapped<T::Stream>;
    type TlsConnect = Encrypted<T::TlsConnect>;
    type Error = T::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Encrypted<T::TlsConnect>, T::Error> {
        Ok(Encrypted(self.0.make_tls_connect(domain)?, self.1.clone()))
    }
}

type Tap<S> = Box<dyn FnOnce(S) -> Tapped<S> + Send>;

impl<T: TlsConnect<Socket>> TlsConnect<Socket> for Encrypted<T> {
    type Stream = Tapped<T::Stream>;
    type Error = T::Error;
    type Future = MapOk<T::Future, Tap<T::Stream>>;

    fn connect(self, stream: Socket) -> Self::Future {
        let last = self.1;
        let tap: Tap<T::Stream> = Box::new(|stream| Tapped::encrypted(stream, last));
        self.0.connect(stream).map_ok(tap)
    }
}

/// How far a server's certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    /// Not at all: encrypted, but to whomever.
    Nothing,
    /// It is issued for the host by somebody who is trusted.
    Full,
}

/// Encryption, with the certificates in a file as those to trust, or else those that browsers trust.
pub(super) fn encryption(verify: Verify, roots: Option<&Path>) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::new(ErrorKind::Unsupported, "connect", error))?;
    let config = match verify {
        Verify::Nothing => {
            config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth()
        }
        Verify::Full => config.with_root_certificates(trusted(roots)?).with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn trusted(roots: Option<&Path>) -> Result<RootCertStore> {
    let Some(path) = roots else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let invalid = |error: &dyn std::fmt::Display| {
        let what = format!("expected certificates in {}, found {error}", path.display());
        Error::new(ErrorKind::Invalid, "database url", what)
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| invalid(&error))? {
        let certificate = certificate.map_err(|error| invalid(&error))?;
        store.add(certificate).map_err(|error| invalid(&error))?;
    }
    if store.is_empty() { Err(invalid(&"none")) } else { Ok(store) }
}

/// Takes any certificate, but only from whoever has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
