//! Exports and imports: exact, whole or refused, and resumed after a kill.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use delta::core::{
    Access, Browse as _, Cursor, CursorQuery, Depth, Filter, ListQuery, ObjectHash, ResourceId, Restore as _,
    Store as _,
};
use delta::{Client, Migrate as _, SqliteStore};
use tempfile::TempDir;

use crate::support::{Database, customer, inform};

/// A database with something of everything in it.
async fn lively(ids: usize) -> Option<Database> {
    let database = Database::sqlite()?;
    let store = SqliteStore::open(&database.url).await.unwrap();
    let client = Client::builder(store.clone()).build().unwrap();
    for chunk in (0..ids).collect::<Vec<_>>().chunks(500) {
        let customers = chunk.iter().map(|id| customer(&format!("c{id}")));
        client.inform_many(customers).await.unwrap();
    }
    database.json(&["resource", "pause", "default/customer/c0"]);
    database.json(&["resource", "delete", "default/customer/c1"]);
    database.json(&["inform", "customer", "--label", "plan=pro"]);
    database.json(&["kind", "pause", "customer"]);
    database.json(&["namespace", "pause", "empty"]);
    store.close().await;
    Some(database)
}

fn empty() -> Option<Database> {
    let database = Database::sqlite()?;
    database.json(&["migrate", "up"]);
    Some(database)
}

fn path(directory: &TempDir, name: &str) -> PathBuf {
    directory.path().join(name)
}

fn export(database: &Database, to: &Path) {
    let run = database.run(&["export", "--to", to.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("is written"), "{run:?}");
}

/// All lines but the header, which says when and where.
fn content(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let (header, content) = text.split_once('\n').unwrap();
    assert!(header.contains("delta_export"), "{header}");
    content.to_owned()
}

fn exported(database: &Database) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "check.jsonl");
    export(database, &file);
    content(&file)
}

fn is_empty(database: &Database) {
    let content = exported(database);
    let lines: Vec<_> = content.lines().collect();
    assert_eq!(lines[0], r#"{"given_out":{"id":0,"position":0}}"#);
    assert!(lines.len() == 2 && lines[1].starts_with(r#"{"end":{"scopes":0,"#), "{content}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_of_an_export_gives_the_same_export() {
    let (Some(from), Some(to)) = (lively(30).await, empty()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "all.jsonl");
    export(&from, &file);
    let import = to.json(&["import", "--from", file.to_str().unwrap()]);
    assert_eq!((&import["changed"], &import["end"]["resources"]), (&true.into(), &30.into()), "{import}");
    assert_eq!(exported(&to), content(&file));
    assert_eq!(content(&file), exported(&from), "an export leaves the database as it is");

    let again = to.json(&["import", "--from", file.to_str().unwrap()]);
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(exported(&to), content(&file));

    // Life goes on there, above what was.
    inform(&to, &["new"]).await;
    let new = to.json(&["resource", "show", "default/customer/new"]);
    assert!(new["id"].as_i64().unwrap() > 30, "{new}");
    let again = to.json(&["import", "--from", file.to_str().unwrap()]);
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(to.json(&["resource", "list", "--limit", "100"])["resources"].as_array().unwrap().len(), 31);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_through_a_pipe() {
    let (Some(from), Some(to)) = (lively(3).await, empty()) else { return };
    let run = from.run(&["export", "--to", "-"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    let mut import = to.command(&["import", "--from", "-", "--json"]);
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(run.out.as_bytes()).unwrap();
    let done = import.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(exported(&to), run.out.split_once('\n').unwrap().1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_a_whole_export_is_refused_and_nothing_written() {
    let (Some(from), Some(to)) = (lively(5).await, empty()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let (good, bad) = (path(&directory, "good.jsonl"), path(&directory, "bad.jsonl"));
    export(&from, &good);
    let text = fs::read_to_string(&good).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[&str]| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    let without = |number: usize| join(&[&lines[..number], &lines[number + 1..]].concat());
    let replaced = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let resource = lines.iter().position(|line| line.starts_with("{\"resource\"")).unwrap();
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(resource, resource + 1);
        join(&lines)
    };
    let cases = [
        ("cut off after a line", join(&lines[..lines.len() - 1]), "cut off after line"),
        ("cut off within a line", text[..text.len() - 200].to_owned(), "cut off after line"),
        ("cut off within its end", text[..text.len() - 1].to_owned(), "cut off after line"),
        ("empty", String::new(), "cut off after line 0"),
        ("a line less", without(resource), "the file was changed"),
        (
            "a line twice",
            join(&[&lines[..=resource], &lines[resource..]].concat()),
            "expected what comes after resource 1",
        ),
        ("two lines swapped", swapped, "expected what comes after resource 2, found resource 1"),
        ("a forged object", replaced("c2@example.com", "c2@example.org"), "expected the object's hash"),
        ("a forged time", replaced("\"created_at\":", "\"created_at\":1"), "the file was changed"),
        ("a field more", replaced("\"priority\":", "\"surprise\":1,\"priority\":"), "surprise"),
        ("a state of the future", replaced("\"state\":\"scheduled\"", "\"state\":\"archived\""), "archived"),
        (
            "an id above all",
            replaced("{\"resource\":{\"id\":5,", "{\"resource\":{\"id\":500,"),
            "that was given out, found 500",
        ),
        (
            "an import's cursor",
            replaced("{\"cursor\":{\"name\":\"", "{\"cursor\":{\"name\":\"delta/import\",\"name\":\""),
            "name",
        ),
        ("another version", replaced("\"format\":1", "\"format\":2"), "found format 2"),
        ("no header", without(0), "expected the header"),
        ("something else", "id,name\n1,x\n".to_owned(), "expected the header"),
        ("something after the end", format!("{text}{}\n", lines[1]), "expected what comes after the end"),
    ];
    for (what, text, expected) in cases {
        fs::write(&bad, text).unwrap();
        let run = to.run(&["import", "--from", bad.to_str().unwrap()]);
        assert_eq!(run.code, 2, "{what}: {run:?}");
        assert!(run.err.contains(expected), "{what}: {run:?}");
        assert_eq!(run.out, "", "{what}");
    }
    is_empty(&to);
    let none = to.run(&["import", "--from", path(&directory, "none.jsonl").to_str().unwrap()]);
    assert!(none.code == 1 && none.err.contains("none.jsonl"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_holds_something_is_refused_and_stays_as_it_is() {
    let (Some(from), Some(to), Some(other)) = (lively(5).await, empty(), lively(2).await) else { return };
    let directory = tempfile::tempdir().unwrap();
    let (file, of_other) = (path(&directory, "all.jsonl"), path(&directory, "other.jsonl"));
    export(&from, &file);
    export(&other, &of_other);
    let import = ["import", "--from", file.to_str().unwrap()];
    let before = exported(&other);
    let run = other.run(&import);
    assert!(run.code == 2 && run.err.contains("expected an empty database, found a resource"), "{run:?}");
    assert_eq!(exported(&other), before);

    to.json(&["kind", "pause", "customer"]);
    let run = to.run(&import);
    assert!(run.code == 2 && run.err.contains("found an event"), "{run:?}");

    let second = empty().unwrap();
    second.json(&["import", "--from", of_other.to_str().unwrap()]);
    let run = second.run(&import);
    assert!(run.code == 2 && run.err.contains("found an earlier import"), "{run:?}");

    let nothing = Database::sqlite().unwrap();
    let run = nothing.run(&import);
    assert!(run.code == 3 && !Path::new(nothing.url.trim_start_matches("sqlite://")).exists(), "{run:?}");
    nothing.json(&["migrate", "up"]);
    nothing.json(&["migrate", "down", "--to", "0"]);
    for run in [nothing.run(&import), nothing.run(&["export", "--to", "-"])] {
        assert!(run.code == 4 && run.err.contains("delta migrate up"), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_does_not_write_over_a_file_and_says_when_there_is_nothing_left_to_do() {
    let Some(from) = lively(2).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "all.jsonl");
    let export_to = ["export", "--to", file.to_str().unwrap()];
    let resume = ["export", "--resume", "--to", file.to_str().unwrap()];
    fs::write(&file, "precious\n").unwrap();
    let run = from.run(&export_to);
    assert!(run.code == 2 && run.err.contains("--resume"), "{run:?}");
    for precious in ["precious\n", "precious"] {
        fs::write(&file, precious).unwrap();
        let run = from.run(&resume);
        assert!(run.code == 2 && run.err.contains("expected the header of an export"), "{run:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), precious);
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(from.run(&resume).code, 0, "a file that was not even begun");
    let text = fs::read_to_string(&file).unwrap();
    let run = from.run(&resume);
    assert!(run.code == 0 && run.out.contains("is whole already"), "{run:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(from.run(&["export", "--resume", "--to", "-"]).code, 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_readable_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(from) = lively(2).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "all.jsonl");
    export(&from, &file);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_resumed_wherever_it_was_cut_off() {
    let Some(from) = lively(6).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let (whole, cut) = (path(&directory, "whole.jsonl"), path(&directory, "cut.jsonl"));
    export(&from, &whole);
    let text = fs::read(&whole).unwrap();
    let ends: Vec<usize> = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    for end in ends.iter().flat_map(|end| [end - 1, *end, end + 7]).chain([0, 1]).filter(|end| *end < text.len()) {
        fs::write(&cut, &text[..end]).unwrap();
        let run = from.run(&["export", "--resume", "--to", cut.to_str().unwrap()]);
        assert_eq!(run.code, 0, "cut off at {end}: {run:?}");
        assert_eq!(content(&cut), content(&whole), "cut off at {end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_changed_is_not_exported_on() {
    let Some(from) = lively(6).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let (whole, cut) = (path(&directory, "whole.jsonl"), path(&directory, "cut.jsonl"));
    export(&from, &whole);
    let text = fs::read_to_string(&whole).unwrap();
    let resource = text.find("{\"resource\":{\"id\":3,").unwrap();
    fs::write(&cut, &text[..resource]).unwrap();
    // Nothing is given out by this: only reading all of it again can tell.
    let store = SqliteStore::open(&from.url).await.unwrap();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    delta_store_sqlx::sqlx::query("UPDATE delta_resource SET version = version + 1 WHERE id = 2")
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let resume = ["export", "--resume", "--to", cut.to_str().unwrap()];
    let run = from.run(&resume);
    assert!(run.code == 3 && run.err.contains("resource 2 is not the same"), "{run:?}");
    let to = empty().unwrap();
    assert_eq!(to.run(&["import", "--from", cut.to_str().unwrap()]).code, 2, "it has no end");
    inform(&from, &["new"]).await;
    fs::write(&cut, &text[..resource]).unwrap();
    let run = from.run(&resume);
    assert!(run.code == 3 && run.err.contains("given out"), "{run:?}");
    store.close().await;
}

/// Kills the program once a condition holds; `None` if it ended before.
fn kill_once(mut child: Child, mut ready: impl FnMut() -> bool) -> Option<()> {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return None;
        }
        if ready() {
            child.kill().unwrap();
            child.wait().unwrap();
            return Some(());
        }
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_was_killed_is_resumed() {
    let Some(from) = lively(5_000).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let (whole, cut) = (path(&directory, "whole.jsonl"), path(&directory, "cut.jsonl"));
    export(&from, &whole);
    let mut kills = 0;
    for part in [2, 3, 5] {
        let size = fs::metadata(&whole).unwrap().len() * (part - 1) / part;
        let arguments = ["export", "--resume", "--to", cut.to_str().unwrap()];
        let child = from.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
        let reached = || fs::metadata(&cut).is_ok_and(|file| file.len() >= size);
        if kill_once(child, reached).is_some() {
            kills += 1;
            let import = empty().unwrap().run(&["import", "--from", cut.to_str().unwrap()]);
            assert!(import.code == 2 && import.err.contains("cut off"), "{import:?}");
        }
    }
    assert!(kills > 0, "never killed in time");
    assert_eq!(from.run(&["export", "--resume", "--to", cut.to_str().unwrap()]).code, 0);
    assert_eq!(content(&cut), content(&whole));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_killed_goes_on_where_it_was() {
    let (Some(from), Some(to)) = (lively(8_000).await, empty()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "all.jsonl");
    export(&from, &file);
    let arguments = ["import", "--from", file.to_str().unwrap()];
    let store = SqliteStore::open(&to.url).await.unwrap();
    let handle = tokio::runtime::Handle::current();
    let progress = || {
        tokio::task::block_in_place(|| {
            handle.block_on(async {
                let mut conn = store.acquire(Access::Read).await.unwrap();
                let found = store.cursors(&mut conn, &CursorQuery::Prefix("delta/".to_owned())).await.unwrap();
                found.first().map_or(0, |cursor: &Cursor| cursor.version)
            })
        })
    };
    let mut kills = 0;
    for version in [1, 3, 5] {
        let child = to.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
        if kill_once(child, || progress() >= version).is_some() {
            kills += 1;
            let half = to.run(&["export", "--to", "-"]);
            assert!(half.code == 2 && half.err.contains("not finished"), "{half:?}");
            let doctor = to.run(&["doctor"]);
            assert!(doctor.code == 1 && doctor.out.contains("one was begun and not finished"), "{doctor:?}");
            let refused = Client::builder(store.clone()).build().unwrap().start().await.unwrap_err();
            assert!(refused.to_string().contains("run `delta import` again"), "{refused}");
        }
    }
    assert!(kills > 0, "never killed in time");
    assert_eq!(to.run(&arguments).code, 0);
    assert_eq!(exported(&to), content(&file));
    assert!(!to.run(&["doctor"]).out.contains("import"));
    Client::builder(store.clone()).build().unwrap().start().await.unwrap().stop().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_used_during_its_import_is_not_imported_on() {
    let (Some(from), Some(to)) = (lively(8_000).await, empty()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "all.jsonl");
    export(&from, &file);
    let arguments = ["import", "--from", file.to_str().unwrap()];
    let store = SqliteStore::open(&to.url).await.unwrap();
    // The first batch, as a killed import leaves it.
    let child = to.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
    let handle = tokio::runtime::Handle::current();
    let begun = || {
        tokio::task::block_in_place(|| {
            handle.block_on(async {
                let mut conn = store.acquire(Access::Read).await.unwrap();
                store.given_out(&mut conn).await.unwrap().id.get() > 0
            })
        })
    };
    kill_once(child, begun).expect("killed in time");
    inform(&to, &["c7999"]).await;
    let run = to.run(&arguments);
    assert!(run.code == 2 && run.err.contains("nobody used since the import began"), "{run:?}");
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let query =
        ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 10_000, depth: Depth::Head };
    let rows = store.list(&mut conn, &query).await.unwrap();
    assert!(rows.len() < 8_000, "it was stopped");
    drop(conn);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_imported_is_read_back() {
    let (Some(from), Some(to)) = (lively(3).await, empty()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory, "all.jsonl");
    export(&from, &file);
    let store = SqliteStore::open(&to.url).await.unwrap();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let meddle = "CREATE TRIGGER meddle AFTER INSERT ON delta_resource WHEN NEW.id = 2 \
                  BEGIN UPDATE delta_resource SET version = 9 WHERE id = 2; END";
    delta_store_sqlx::sqlx::query(meddle).execute(&mut *conn).await.unwrap();
    let run = to.run(&["import", "--from", file.to_str().unwrap()]);
    assert!(run.code == 5 && run.err.contains("resource 2 is not the same"), "{run:?}");
    let run = to.run(&["import", "--from", file.to_str().unwrap()]);
    assert!(run.code == 5, "it stays so: {run:?}");
    drop(conn);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_an_export_has_the_digest_of_its_lines() {
    let Some(from) = lively(4).await else { return };
    let content = exported(&from);
    let end = content.trim_end().rfind('\n').unwrap() + 1;
    let digest = ObjectHash::of(&content[..end]).to_string();
    assert!(content[end..].contains(&digest), "{}", &content[end..]);
    assert!(content[end..].contains("\"resources\":4"), "{}", &content[end..]);
    let store = SqliteStore::open(&from.url).await.unwrap();
    assert!(store.migration_status().await.unwrap().iter().all(|version| version.applied));
    store.close().await;
}
