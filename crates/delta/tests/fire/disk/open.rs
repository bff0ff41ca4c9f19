//! Opening and migrating where there is too little space.

use std::fs;
use std::path::Path;

use delta::core::{Access, Migrate as _, Store as _, Target};
use delta::{Client, Error, ErrorKind, SqliteStore};
use delta_store_sqlx::AutoMigrate;

use crate::checks;
use crate::disk::{integrity, tmpfs::Tmpfs};
use crate::item::Item;

/// How large the disk is, in kilobytes.
const DISK: usize = 2 << 10;
/// By how much more space there is with each try, in bytes: what a file system gives at once.
const STEP: usize = 4 << 10;

/// That there is no space is said, and as something that passes.
fn check(error: &Error, free: usize) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "with {free} bytes free: {error}");
    assert!(error.to_string().contains("disk"), "with {free} bytes free: {error}");
}

/// What could not be made becomes whole once there is space.
async fn use_it(store: &SqliteStore) {
    let client = Client::builder(store.clone()).build().unwrap();
    client.inform(Item::new("item", 1)).await.unwrap();
    assert_eq!(checks::rows(&client).await.len(), 1);
    integrity(store).await;
    store.close().await;
}

fn clean(directory: &Path) {
    for file in fs::read_dir(directory).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
}

#[tokio::test]
#[ignore = "it mounts: the test beside it runs it where that does no harm"]
async fn opened() {
    let disk = Tmpfs::mount(DISK);
    let path = disk.path().join("delta.db");
    let mut failed = 0;
    for free in (0..).step_by(STEP) {
        let ballast = disk.fill(free);
        let opened = SqliteStore::open(&path).await;
        drop(ballast);
        match opened {
            Ok(store) => {
                println!("opened with {free} bytes free, after {failed} failures");
                use_it(&store).await;
                break;
            }
            Err(error) => check(&error, free),
        }
        failed += 1;
        use_it(&SqliteStore::open(&path).await.unwrap()).await;
        clean(disk.path());
    }
    assert!(failed > 10, "{failed} sizes of a disk were too small");
}

#[tokio::test]
#[ignore = "it mounts: the test beside it runs it where that does no harm"]
async fn migrated() {
    let disk = Tmpfs::mount(DISK);
    let path = disk.path().join("delta.db");
    let mut failed = 0;
    for free in (0..).step_by(STEP) {
        let store = SqliteStore::options(&path).auto_migrate(AutoMigrate::Never).open().await.unwrap();
        let ballast = disk.fill(free);
        let migrated = store.migrate_to(Target::Latest).await;
        drop(ballast);
        if let Err(error) = &migrated {
            check(error, free);
            let mut conn = store.acquire(Access::Read).await.unwrap();
            let error = store.check(&mut conn).await.unwrap_err();
            assert!(error.to_string().contains("found none"), "half a schema with {free} bytes free: {error}");
        }
        store.migrate_to(Target::Latest).await.unwrap();
        use_it(&store).await;
        clean(disk.path());
        if migrated.is_ok() {
            println!("migrated with {free} bytes free, after {failed} failures");
            break;
        }
        failed += 1;
    }
    assert!(failed > 10, "{failed} sizes of a disk were too small");
}
