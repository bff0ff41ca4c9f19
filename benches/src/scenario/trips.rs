use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::failure::Failure;

/// Counts the round trips of whoever connects to a server through it: how often a client says something after the server has.
#[derive(Debug)]
pub(super) struct Trips {
    url: String,
    count: Arc<AtomicU64>,
    // Ends everything when it is dropped.
    _serving: JoinSet<()>,
}

impl Trips {
    /// Stands between a server and its clients.
    pub(super) async fn to(url: &str) -> Result<Self, Failure> {
        let (before, server, after) = address(url).ok_or_else(|| format!("expected a URL with a port, found {url}"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("{before}{}{after}", listener.local_addr()?);
        let server: SocketAddr = server.parse()?;
        let count = Arc::new(AtomicU64::new(0));
        let mut serving = JoinSet::new();
        let counted = count.clone();
        serving.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                // What cannot be led to the server ends, and its client hears of it.
                links.spawn(link(client, server, counted.clone()));
            }
        });
        Ok(Self { url, count, _serving: serving })
    }

    /// Where clients connect to.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// How many there were so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// What is before the host and port of a URL, those, and what is after them.
fn address(url: &str) -> Option<(&str, &str, &str)> {
    let start = url.find('@').or_else(|| url.find("//").map(|slashes| slashes + 1))? + 1;
    let length = url[start..].find('/').unwrap_or(url.len() - start);
    Some((&url[..start], &url[start..start + length], &url[start + length..]))
}

async fn link(client: TcpStream, server: SocketAddr, count: Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let answered = AtomicBool::new(true);
    let asks = forward(from_client, to_server, || {
        if answered.swap(false, Ordering::Relaxed) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let answers = forward(from_server, to_client, || answered.store(true, Ordering::Relaxed));
    tokio::try_join!(asks, answers).map(drop)
}

async fn forward<R, W>(mut from: R, mut to: W, seen: impl Fn()) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        seen();
        to.write_all(&buffer[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Trips, address};

    #[test]
    fn the_address_of_a_url_is_found() {
        let found = address("postgres://user:secret@127.0.0.1:5432/name").unwrap();
        assert_eq!(found, ("postgres://user:secret@", "127.0.0.1:5432", "/name"));
        assert_eq!(address("mysql://127.0.0.1:1/").unwrap(), ("mysql://", "127.0.0.1:1", "/"));
    }

    #[tokio::test]
    async fn what_is_asked_before_an_answer_comes_is_one_trip() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let trips = Trips::to(&format!("test://{}/", server.local_addr().unwrap())).await.unwrap();
        let (_, place, _) = address(trips.url()).unwrap();
        let mut client = TcpStream::connect(place).await.unwrap();
        let (mut link, _) = server.accept().await.unwrap();
        let mut byte = [0; 1];
        for asked in 1..=3 {
            client.write_all(b"ab").await.unwrap();
            link.read_exact(&mut byte).await.unwrap();
            link.read_exact(&mut byte).await.unwrap();
            link.write_all(b"c").await.unwrap();
            client.read_exact(&mut byte).await.unwrap();
            assert_eq!(trips.count(), asked);
        }
    }
}
