use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A port of 127.0.0.1 that stays this value's while nobody listens there, so that connections are refused.
#[derive(Debug)]
pub(super) struct Place {
    address: SocketAddr,
    /// Bound, and never listening.
    _reserved: TcpSocket,
}

impl Place {
    /// Takes a free port. Wants a runtime.
    pub(super) fn take() -> io::Result<Self> {
        let reserved = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self { address: reserved.local_addr()?, _reserved: reserved })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections until the listener is dropped.
    pub(super) fn listen(&self) -> io::Result<TcpListener> {
        bound(self.address)?.listen(BACKLOG)
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // For two sockets on one port: the one that keeps it, and the one that listens.
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}
