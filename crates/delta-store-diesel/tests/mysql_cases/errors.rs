//! The server's number says what an error means: diesel hides it, and the server is asked.

use delta_core::{Access, ErrorKind, Store};

use super::rows::{inserts, load, row};
use crate::mysql_support::Server;

#[tokio::test]
async fn the_servers_number_decides_whatever_its_words() {
    use ErrorKind::{Corrupt, Invalid, Unavailable, Unsupported};
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for (number, kind) in [
        (1040, Unavailable),
        (1114, Unavailable),
        (1142, Unsupported),
        (1146, Unsupported),
        (1366, Invalid),
        (1034, Corrupt),
    ] {
        let signal = format!(
            "CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON delta_resource FOR EACH ROW \
             SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'nein'"
        );
        server.run(&signal).await;
        let error = server.store.commit(&mut conn, &inserts([row("a")])).await.expect_err("an error");
        assert_eq!(error.kind(), kind, "{number}: {error}");
        assert!(error.to_string().contains(&number.to_string()), "{error}");
    }
    server.run("DROP TRIGGER fail").await;
    assert_eq!(load(&server.store, &mut conn, "a").await.expect("a load"), []);
    server.store.commit(&mut conn, &inserts([row("a")])).await.expect("a commit on the same connection");
}
