//! Object ids are what they are, byte by byte.

use delta_core::{Access, Depth, Load, LoadBy, Outcome, Store};

use super::rows::{inserts, row};
use crate::mysql_support::Server;

/// What collations take for one: case, trailing spaces, accents, compositions, widths, ligatures, and what has no weight.
const NEAR: [&str; 18] = [
    "a",
    "A",
    "a ",
    "a  ",
    " a",
    "a\t",
    "a\n",
    "á",
    "a\u{301}",
    "ａ",
    "ﬀ",
    "ff",
    "ß",
    "ss",
    "a\u{200d}",
    "🦀",
    "🦞",
    "a\u{ad}",
];

#[tokio::test]
async fn ids_that_collations_take_for_one_are_different() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let receipt = server.store.commit(&mut conn, &inserts(NEAR.map(row))).await.expect("a commit");
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
    let again = server.store.commit(&mut conn, &inserts(NEAR.map(row))).await.expect("a commit");
    assert_eq!(again.outcomes, vec![Outcome::Stale; NEAR.len()]);
    for near in NEAR {
        let by = LoadBy::Keys(vec![row(near).key]);
        let load = Load { by, depth: Depth::Full, access: Access::Read };
        let found = server.store.load(&mut conn, &load).await.expect("a load");
        assert_eq!(found.iter().map(|row| row.key.object_id.as_str()).collect::<Vec<_>>(), [near]);
    }
}

#[tokio::test]
async fn ids_are_given_out_in_the_order_of_the_changes() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let names = ["m", "z", "a", "k", "b"];
    let receipt = server.store.commit(&mut conn, &inserts(names.map(row))).await.expect("a commit");
    let ids: Vec<_> = receipt.outcomes.iter().filter_map(|outcome| Some(outcome.applied()?.id)).collect();
    assert!(ids.len() == names.len() && ids.is_sorted(), "{ids:?}");
}
