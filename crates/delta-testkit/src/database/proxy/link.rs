use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::conduct::{Conduct, Way};

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// Forwards one connection until both sides have ended it. Where it fails or is dropped before, both are reset.
pub(super) async fn forward(mut client: TcpStream, server: SocketAddr, conduct: Arc<Conduct>) -> io::Result<()> {
    let _counted = conduct.count();
    // Whatever ends this but an orderly end of both sides is a reset.
    client.set_zero_linger()?;
    client.set_nodelay(true)?;
    conduct.flowing().await;
    let mut server = TcpStream::connect(server).await?;
    server.set_zero_linger()?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::try_join!(
        pass(Way::ToServer, from_client, to_server, &conduct),
        pass(Way::ToClient, from_server, to_client, &conduct),
    )?;
    Ok(())
}

async fn pass(way: Way, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, conduct: &Conduct) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        conduct.flowing().await;
        let read = from.read(&mut piece).await?;
        // It may have been stalled while there was nothing to read.
        conduct.flowing().await;
        if read == 0 {
            return to.shutdown().await;
        }
        let Some(most) = conduct.pass(way, read) else {
            to.write_all(&piece[..read]).await?;
            continue;
        };
        to.write_all(&piece[..most]).await?;
        return Err(io::ErrorKind::ConnectionReset.into());
    }
}
