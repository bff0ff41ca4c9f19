use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc as answers};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::super::DatabaseError;
use super::super::url::{address_of, with_address};
use super::conduct::{Conduct, Way};
use super::place::Place;
use super::serve::{Order, Ordered, serve};

/// A TCP proxy on 127.0.0.1 between a server and its clients, which breaks their connections as a test says.
///
/// It listens on a port that stays the same, and runs on a thread and a runtime of its own: a test's clock and a test that
/// blocks its thread do not touch it. Each call returns when what it asks for is so.
///
/// # Guarantees
///
/// - Bytes are neither changed nor reordered.
/// - While nobody is let in, no other program gets the port.
/// - It ends with its value, and resets what is open.
///
/// # Examples
///
/// ```no_run
/// # use delta_testkit::database::{DatabaseError, PostgresServer, Proxy, Way};
/// # async fn test() -> Result<(), DatabaseError> {
/// let server = PostgresServer::start_private(&[]).await?;
/// let proxy = Proxy::start(server.address())?;
/// let url = proxy.url_of(server.url());
/// // Connect to `url`, and write.
/// proxy.cut_after(Way::ToClient, 0);
/// // The next statement is executed, and its answer is lost.
/// # Ok(())
/// # }
/// ```
pub struct Proxy {
    address: SocketAddr,
    conduct: Arc<Conduct>,
    /// None only while it is dropped.
    orders: Option<mpsc::UnboundedSender<Ordered>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy to a server, on a port that nobody uses.
    ///
    /// The server need not be there yet: a connection through the proxy is reset if the server does not take it.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Io`] if the system gives no port or no thread.
    pub fn start(server: SocketAddr) -> Result<Self, DatabaseError> {
        Self::run(server).map_err(DatabaseError::io("start a proxy on 127.0.0.1"))
    }

    /// Starts a proxy to the server that a URL names.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), also if the URL names no host that can be found, and its port.
    pub fn in_front_of(url: &str) -> Result<Self, DatabaseError> {
        let server = address_of(url).map_err(DatabaseError::io("find the server that a proxy is to lead to"))?;
        Self::start(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a server's database, through the proxy.
    #[must_use]
    pub fn url_of(&self, url: &str) -> String {
        with_address(url, self.address)
    }

    /// How many connections are open through it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.conduct.open()
    }

    /// How many connections were cut [in the middle](Self::cut_after) so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.conduct.cuts()
    }

    /// Resets all open connections, at both ends. New ones are taken as before.
    pub fn cut(&self) {
        self.order(Order::Cut);
    }

    /// Resets one connection in the middle of what it says: the one over which the byte after so many goes, counted from
    /// this call over all connections in that direction. Then nothing more is cut.
    ///
    /// `cut_after(Way::ToClient, 0)` has the next answer lost, of a statement that the server has executed.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        self.conduct.cut_after(way, bytes);
    }

    /// Refuses new connections. Those that are open stay so.
    pub fn refuse(&self) {
        self.order(Order::Refuse);
    }

    /// Takes new connections and forwards nothing, in neither direction, also of those that are open: as if the network had
    /// lost every packet and told nobody.
    ///
    /// What was sent meanwhile arrives once they are [accepted](Self::accept) again, unless they were [cut](Self::cut).
    pub fn stall(&self) {
        self.order(Order::Stall);
    }

    /// Ends a [`refuse`](Self::refuse) and a [`stall`](Self::stall).
    pub fn accept(&self) {
        self.order(Order::Accept);
    }

    /// Resets all open connections, and leads new ones to another server: what a virtual address does at a failover.
    pub fn point_to(&self, server: SocketAddr) {
        self.order(Order::PointTo(server));
    }

    fn run(server: SocketAddr) -> io::Result<Self> {
        let conduct = Arc::<Conduct>::default();
        let (orders, taken) = mpsc::unbounded_channel();
        let (tell, told) = answers::channel();
        let serving = Arc::clone(&conduct);
        // All of it there: a runtime must neither block nor be dropped where the caller's runs.
        let run = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            runtime.block_on(async {
                match Place::take().and_then(|place| Ok((place.listen()?, place))) {
                    Ok((listener, place)) => {
                        let _ = tell.send(Ok(place.address()));
                        serve(place, listener, server, serving, taken).await;
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            });
        };
        let thread = std::thread::Builder::new().name("delta-testkit-proxy".to_owned()).spawn(run)?;
        let address = told.recv().unwrap_or_else(|_| Err(io::Error::other("the thread has ended")))?;
        Ok(Self { address, conduct, orders: Some(orders), thread: Some(thread) })
    }

    /// Blocks for the moment that the other thread takes.
    fn order(&self, order: Order) {
        let (done, answer) = answers::channel();
        let given = self.orders.as_ref().map(|orders| orders.send((order, done)));
        let outcome = given.and_then(Result::ok).and_then(|()| answer.recv().ok());
        match outcome {
            Some(Ok(())) => {}
            Some(Err(error)) => panic!("expected the port of the proxy to be free for it, found: {error}"),
            None => panic!("expected the thread of the proxy, found that it has ended"),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections();
        f.debug_struct("Proxy")
            .field("address", &self.address)
            .field("connections", &connections)
            .finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // If it has panicked, the tests have seen connections fail.
            let _ = thread.join();
        }
    }
}
