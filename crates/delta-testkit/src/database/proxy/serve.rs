use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::conduct::Conduct;
use super::link::forward;
use super::place::Place;

/// What a test wants of its proxy.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Reset every connection.
    Cut,
    /// Let nobody in.
    Refuse,
    /// Forward nothing.
    Stall,
    /// Let everybody in, and forward everything.
    Accept,
    /// Reset every connection, and lead new ones to another server.
    PointTo(SocketAddr),
}

/// An order, and whom to tell that it is done.
pub(super) type Ordered = (Order, std::sync::mpsc::Sender<io::Result<()>>);

/// Forwards connections until nobody can give orders any more.
pub(super) async fn serve(
    place: Place,
    listener: TcpListener,
    mut server: SocketAddr,
    conduct: Arc<Conduct>,
    mut orders: mpsc::UnboundedReceiver<Ordered>,
) {
    let mut listener = Some(listener);
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            ordered = orders.recv() => {
                let Some((order, done)) = ordered else { return };
                let outcome = match order {
                    Order::Cut => {
                        links.shutdown().await;
                        Ok(())
                    }
                    Order::PointTo(other) => {
                        server = other;
                        links.shutdown().await;
                        Ok(())
                    }
                    Order::Refuse => {
                        listener = None;
                        Ok(())
                    }
                    Order::Stall => {
                        conduct.stall(true);
                        listen(&place, &mut listener)
                    }
                    Order::Accept => {
                        conduct.stall(false);
                        listen(&place, &mut listener)
                    }
                };
                let _ = done.send(outcome);
            }
            // Only to forget it: its end was told to both sides.
            Some(_) = links.join_next() => {}
            client = accepted(listener.as_ref()) => {
                if let Ok(client) = client {
                    links.spawn(forward(client, server, Arc::clone(&conduct)));
                }
            }
        }
    }
}

fn listen(place: &Place, listener: &mut Option<TcpListener>) -> io::Result<()> {
    if listener.is_none() {
        *listener = Some(place.listen()?);
    }
    Ok(())
}

async fn accepted(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}
