use std::collections::BTreeSet;

use delta::core::Depth;
use delta::{Client, Filter, ListQuery, ResourceId, SqliteStore, State};

use crate::program::{Place, wait_until};

const FILES: usize = 600;

fn fill(place: &Place) {
    for number in 0..FILES {
        let directory = number % 23;
        place.write(&format!("d{directory}/e{}/file-{number}", number % 3), vec![b'x'; number * 37 % 20_000]);
    }
}

/// The files that are stored as synced.
async fn synced(place: &Place) -> usize {
    let store = SqliteStore::open(place.path().join("target.delta.db")).await.unwrap();
    let client = Client::builder(store.clone()).build().unwrap();
    let filter = Filter { states: vec![State::Synced], ..Filter::default() };
    let query = ListQuery { filter, after: ResourceId::default(), limit: 10_000, depth: Depth::Head };
    let rows = client.list(&query).await.unwrap();
    store.close().await;
    rows.iter().filter(|row| row.key.object_id.as_str().contains("file-")).count()
}

fn files_in_target(place: &Place) -> usize {
    let snapshot = place.target_snapshot();
    snapshot.keys().filter(|path| path.to_string_lossy().contains("/file-")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_goes_on_where_it_was_and_ends_in_an_exact_copy() {
    let place = Place::new();
    fill(&place);
    let mut left = BTreeSet::new();
    for kill_at in [1, FILES / 6, FILES / 3, FILES / 3 * 2] {
        let mut running = place.start(&[]);
        wait_until("some files in the target", || running.is_over() || files_in_target(&place) >= kill_at);
        assert!(!running.is_over(), "expected it to be killed before its end: {:?}", running.wait());
        running.signal("-KILL");
        running.wait();
        left.insert(FILES - synced(&place).await);
    }
    let not_synced = FILES - synced(&place).await;
    let last = place.mirror(&[]);
    let copied = usize::try_from(last.count("copied")).unwrap();
    assert!(copied <= not_synced, "expected at most {not_synced} files to be copied again: {last:?}");
    assert!(left.len() > 1, "expected progress between kills, found {left:?}");
    assert_eq!(place.mirror(&[]).count("copied"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_amid_removals_and_changes_loses_nothing() {
    let place = Place::new();
    fill(&place);
    place.mirror(&[]);
    for number in 0..FILES / 2 {
        let path = format!("d{}/e{}/file-{number}", number % 23, number % 3);
        match number % 2 {
            0 => std::fs::remove_file(place.source().join(path)).unwrap(),
            _ => place.write(&path, "changed"),
        }
    }
    let gone = FILES / 4;
    let mut running = place.start(&["--max-delete", "1.0"]);
    wait_until("some files to go", || running.is_over() || files_in_target(&place) < FILES - gone / 3);
    assert!(!running.is_over(), "expected it to be killed before its end: {:?}", running.wait());
    running.signal("-KILL");
    running.wait();
    place.mirror(&["--max-delete", "1.0"]);
}
