use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// The SQLSTATE of the last error that a session's server reported.
///
/// diesel knows a handful of SQLSTATEs and hides the others, and the server's words depend on its language. So the
/// stream of a session is read along, and what it tells travels with the connection as its instrumentation.
#[derive(Clone, Debug, Default)]
pub(super) struct LastCode(Arc<AtomicU64>);

impl LastCode {
    fn note(&self, code: [u8; 5]) {
        let number = code.into_iter().fold(0, |number, byte| number << 8 | u64::from(byte));
        self.0.store(number, Ordering::Release);
    }

    fn take(&self) -> Option<String> {
        let [_, _, _, code @ ..] = self.0.swap(0, Ordering::AcqRel).to_be_bytes();
        (code[0] != 0).then(|| String::from_utf8_lossy(&code).into_owned())
    }

    /// Has a connection carry it.
    pub(super) fn attach(self, conn: &mut AsyncPgConnection) {
        conn.set_instrumentation(Carrier { last: self, next: get_default_instrumentation() });
    }

    /// Takes it from a connection; `None` if it carries none, or nothing was reported since.
    pub(super) fn of(conn: &mut AsyncPgConnection) -> Option<String> {
        conn.instrumentation().downcast_ref::<Carrier>()?.last.take()
    }
}

/// An instrumentation that carries a [`LastCode`], and passes on what it is told.
struct Carrier {
    last: LastCode,
    next: Option<Box<dyn Instrumentation>>,
}

impl Instrumentation for Carrier {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let Some(next) = &mut self.next {
            next.on_connection_event(event);
        }
    }
}

/// A stream of a session in the clear, read along.
pub(super) struct Tapped<S> {
    stream: S,
    messages: Messages,
    last: LastCode,
    binding: fn(&S) -> ChannelBinding,
}

impl<S> Tapped<S> {
    /// A stream that is not encrypted.
    pub(super) fn plain(stream: S, last: LastCode) -> Self {
        Self { stream, messages: Messages::default(), last, binding: |_| ChannelBinding::none() }
    }
}

impl<S: TlsStream> Tapped<S> {
    /// A stream that is.
    pub(super) fn encrypted(stream: S, last: LastCode) -> Self {
        Self { stream, messages: Messages::default(), last, binding: S::channel_binding }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if let Some(code) = this.messages.read(&buf.filled()[before..]) {
            this.last.note(code);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Tapped<S> {
    fn channel_binding(&self) -> ChannelBinding {
        (self.binding)(&self.stream)
    }
}

/// Reads where the messages of a server begin and end, and keeps only what it needs of errors.
#[derive(Default)]
struct Messages {
    header: [u8; 5],
    /// How much of the header is there.
    have: usize,
    /// How much of the body is yet to come.
    left: usize,
    error: Option<Vec<u8>>,
}

impl Messages {
    /// Takes what came in; returns the SQLSTATE of the last error in it that is whole by now.
    fn read(&mut self, mut bytes: &[u8]) -> Option<[u8; 5]> {
        let mut found = None;
        while !bytes.is_empty() {
            if self.left > 0 {
                let (body, rest) = bytes.split_at(self.left.min(bytes.len()));
                bytes = rest;
                self.left -= body.len();
                if let Some(error) = &mut self.error {
                    error.extend_from_slice(body);
                }
                if self.left == 0
                    && let Some(error) = self.error.take()
                {
                    found = code(&error).or(found);
                }
                continue;
            }
            let (head, rest) = bytes.split_at((self.header.len() - self.have).min(bytes.len()));
            bytes = rest;
            self.header[self.have..self.have + head.len()].copy_from_slice(head);
            self.have += head.len();
            if self.have == self.header.len() {
                self.have = 0;
                let [kind, length @ ..] = self.header;
                // The length counts itself.
                self.left = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
                self.error = (kind == b'E').then(Vec::new);
            }
        }
        found
    }
}

/// The SQLSTATE in an error: fields of a letter and a text each, one of them `C`.
fn code(error: &[u8]) -> Option<[u8; 5]> {
    let field = error.split(|byte| *byte == 0).find(|field| field.first() == Some(&b'C'))?;
    field[1..].try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    fn session() -> Vec<u8> {
        [
            message(b'R', &[0, 0, 0, 0]),
            message(b'1', b""),
            message(b'D', b"\0\x01\0\0\0\x05E\0\0\0\x04"),
            message(b'E', b"SFEHLER\0VERROR\0C40P01\0MVerklemmung entdeckt\0\0"),
            message(b'Z', b"I"),
        ]
        .concat()
    }

    #[test]
    fn the_code_of_an_error_is_found_wherever_the_stream_is_cut() {
        let session = session();
        for cut in 0..=session.len() {
            let mut messages = Messages::default();
            let (first, second) = session.split_at(cut);
            let found = [messages.read(first), messages.read(second)];
            let found: Vec<_> = found.into_iter().flatten().collect();
            assert_eq!(found, [*b"40P01"], "{cut}");
        }
        let mut messages = Messages::default();
        let found: Vec<_> = session.iter().filter_map(|byte| messages.read(std::slice::from_ref(byte))).collect();
        assert_eq!(found, [*b"40P01"]);
    }

    #[test]
    fn a_code_is_taken_once() {
        let last = LastCode::default();
        assert_eq!(last.take(), None);
        last.note(*b"57014");
        assert_eq!(last.take().as_deref(), Some("57014"));
        assert_eq!(last.take(), None);
    }
}
