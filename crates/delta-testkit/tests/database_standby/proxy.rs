//! What goes through a proxy to a server that sends back what it gets, and says its name first.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use delta_testkit::database::{Proxy, Way};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it listens to a silence. A slow machine makes such a test pass, never fail.
const SILENCE: Duration = Duration::from_millis(100);

/// A server that lives as long as the test.
fn echo(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                stream.write_all(&[name])?;
                let mut bytes = [0; 64];
                loop {
                    let read = stream.read(&mut bytes)?;
                    if read == 0 {
                        return std::io::Result::Ok(());
                    }
                    stream.write_all(&bytes[..read])?;
                }
            });
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Sends something and takes it back.
fn talk(stream: &mut TcpStream) {
    stream.write_all(b"ping").unwrap();
    assert_eq!(&read::<4>(stream), b"ping");
}

fn end(stream: &mut TcpStream) -> ErrorKind {
    stream.read_exact(&mut [0]).unwrap_err().kind()
}

fn wait_for(proxy: &Proxy, connections: usize) {
    // Each turn is a round trip over another connection.
    for _ in 0..10_000 {
        if proxy.connections() == connections {
            return;
        }
        std::thread::yield_now();
        let _ = TcpStream::connect(proxy.address());
    }
    panic!("expected {connections} connections, found {}", proxy.connections());
}

#[test]
fn what_is_sent_arrives_in_both_directions_until_a_side_ends_it() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let mut client = connect(&proxy);
    assert_eq!(read(&mut client), [b'a']);
    talk(&mut client);
    let long = vec![7; 300_000];
    let mut sender = client.try_clone().unwrap();
    let sent = long.clone();
    let sending = std::thread::spawn(move || sender.write_all(&sent));
    let mut back = vec![0; long.len()];
    client.read_exact(&mut back).unwrap();
    sending.join().unwrap().unwrap();
    assert_eq!(back, long);
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "an end in order is no reset");
}

#[test]
fn a_cut_resets_all_connections_and_lets_new_ones_in() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let mut clients = [connect(&proxy), connect(&proxy)];
    for client in &mut clients {
        assert_eq!(read(client), [b'a']);
    }
    assert_eq!(proxy.connections(), 2);
    proxy.cut();
    assert_eq!(proxy.connections(), 0);
    assert_eq!(clients.each_mut().map(end), [ErrorKind::ConnectionReset; 2]);
    assert_eq!(read(&mut connect(&proxy)), [b'a']);
}

#[test]
fn who_is_refused_is_let_in_later_at_the_same_address_and_who_is_connected_stays_so() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let mut before = connect(&proxy);
    assert_eq!(read(&mut before), [b'a']);
    proxy.refuse();
    assert_eq!(TcpStream::connect(proxy.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    talk(&mut before);
    proxy.accept();
    assert_eq!(read(&mut connect(&proxy)), [b'a']);
}

#[test]
fn nothing_goes_through_while_it_is_stalled_and_all_of_it_afterwards() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let mut before = connect(&proxy);
    assert_eq!(read(&mut before), [b'a']);
    proxy.stall();
    let mut after = connect(&proxy);
    before.write_all(b"ping").unwrap();
    for client in [&mut before, &mut after] {
        client.set_read_timeout(Some(SILENCE)).unwrap();
        assert!(matches!(end(client), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        client.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    proxy.accept();
    assert_eq!(&read::<4>(&mut before), b"ping");
    assert_eq!(read(&mut after), [b'a']);
}

#[test]
fn a_stalled_connection_that_is_cut_says_nothing_any_more() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let mut client = connect(&proxy);
    assert_eq!(read(&mut client), [b'a']);
    proxy.stall();
    client.write_all(b"ping").unwrap();
    proxy.cut();
    proxy.accept();
    assert_eq!(end(&mut client), ErrorKind::ConnectionReset);
}

#[test]
fn a_connection_is_cut_before_the_byte_that_was_counted_and_only_that_one() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let (mut one, mut other) = (connect(&proxy), connect(&proxy));
    assert_eq!((read(&mut one), read(&mut other)), ([b'a'], [b'a']));
    proxy.cut_after(Way::ToServer, 6);
    talk(&mut other);
    assert_eq!(proxy.cuts(), 0);
    one.write_all(b"ping").unwrap();
    // The bytes that passed may have come back before the reset, or not.
    let mut came = Vec::new();
    assert_eq!(one.read_to_end(&mut came).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(b"pi".starts_with(&came), "{came:?}");
    assert_eq!(proxy.cuts(), 1);
    talk(&mut other);
}

#[test]
fn an_answer_is_lost_of_what_the_server_has_got() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
    let mut client = connect(&proxy);
    let (mut server, _) = listener.accept().unwrap();
    proxy.cut_after(Way::ToClient, 0);
    client.write_all(b"ping").unwrap();
    assert_eq!(&read::<4>(&mut server), b"ping");
    server.write_all(b"pong").unwrap();
    assert_eq!(end(&mut client), ErrorKind::ConnectionReset);
}

#[test]
fn whoever_comes_after_a_failover_is_led_to_the_other_server() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let mut client = connect(&proxy);
    assert_eq!(read(&mut client), [b'a']);
    proxy.point_to(echo(b'b'));
    assert_eq!(end(&mut client), ErrorKind::ConnectionReset);
    assert_eq!(read(&mut connect(&proxy)), [b'b']);
}

#[test]
fn a_connection_to_a_server_that_is_not_there_is_reset() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::start(nobody).unwrap();
    assert_eq!(end(&mut connect(&proxy)), ErrorKind::ConnectionReset);
    wait_for(&proxy, 0);
}

#[tokio::test]
async fn a_proxy_serves_a_caller_that_blocks_its_runtime() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    assert_eq!(read(&mut connect(&proxy)), [b'a']);
    proxy.cut();
}

#[test]
fn a_proxy_ends_with_its_value() {
    let proxy = Proxy::start(echo(b'a')).unwrap();
    let address = proxy.address();
    let mut client = connect(&proxy);
    assert_eq!(read(&mut client), [b'a']);
    drop(proxy);
    assert_eq!(end(&mut client), ErrorKind::ConnectionReset);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
