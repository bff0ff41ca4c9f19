//! T2: what is wrong with a live table is said before it is used.

use delta_core::{CursorTable, CursorType, ErrorKind, ErrorTable, EventTable, EventTables, ForeignIdType, Gaps};

use super::fixture::Fixture;
use super::kit::Kit;
use super::tables::{plain, refused};

#[track_caller]
fn names(error: &str, names: &[&str]) {
    for name in names {
        assert!(error.contains(name), "expected {name:?} in: {error}");
    }
}

/// Named, so that one knows where to look.
pub async fn t2_a_missing_table_is_unsupported<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    names(&refused(kit.inspect(&EventTable::new("no_events")).await, ErrorKind::Unsupported), &["no_events"]);
    let waited = EventTable::new("no_waited_events").gaps(Gaps::Waited);
    names(&refused(kit.inspect(&waited).await, ErrorKind::Unsupported), &["no_waited_events"]);
    names(
        &refused(kit.inspect_cursors(&CursorTable::new("no_cursors")).await, ErrorKind::Unsupported),
        &["no_cursors"],
    );
    names(&refused(kit.inspect_errors(&ErrorTable::new("no_errors")).await, ErrorKind::Unsupported), &["no_errors"]);
}

/// Each of those that are named, and no others.
pub async fn t2_a_missing_column_is_unsupported<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").metadata_column("meta");
    kit.create(&table).await;
    let lacking = [
        ("id_x", table.clone().id_column("id_x")),
        ("about_x", table.clone().foreign_id_column("about_x")),
        ("happened_x", table.clone().type_column("happened_x")),
        ("at_x", table.clone().time_column("at_x")),
        ("meta_x", table.clone().metadata_column("meta_x")),
        ("trace_x", table.clone().trace_column("trace_x")),
    ];
    for (column, table) in lacking {
        names(&refused(kit.inspect(&table).await, ErrorKind::Unsupported), &["events", column]);
    }
    kit.inspect(&plain("events")).await.expect("one column more than is needed");

    let cursors = CursorTable::new("cursors");
    kit.create_cursors(&cursors).await;
    let lacking = [
        ("id_x", cursors.clone().id_column("id_x")),
        ("position_x", cursors.clone().position_column("position_x")),
        ("time_x", cursors.clone().time_column("time_x")),
    ];
    for (column, table) in lacking {
        names(&refused(kit.inspect_cursors(&table).await, ErrorKind::Unsupported), &["cursors", column]);
    }

    kit.create_errors(&ErrorTable::new("errors")).await;
    let with = |change: fn(&mut delta_core::ErrorColumns)| ErrorTable::new("errors").with_columns(change);
    let lacking = [
        with(|columns| "x".clone_into(&mut columns.id)),
        with(|columns| "x".clone_into(&mut columns.consumer)),
        with(|columns| "x".clone_into(&mut columns.position)),
        with(|columns| "x".clone_into(&mut columns.message)),
        with(|columns| "x".clone_into(&mut columns.created_at)),
        with(|columns| "x".clone_into(&mut columns.updated_at)),
        with(|columns| "x".clone_into(&mut columns.status)),
        with(|columns| columns.log = Some("x".to_owned())),
        with(|columns| columns.event = Some("x".to_owned())),
        with(|columns| columns.attempts = Some("x".to_owned())),
    ];
    for table in lacking {
        names(&refused(kit.inspect_errors(&table).await, ErrorKind::Unsupported), &["errors", "x"]);
    }
}

/// With what was expected, and what was found.
pub async fn t2_a_column_of_a_wrong_type_is_unsupported<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    kit.create(&plain("texts")).await;
    kit.create(&plain("numbers").foreign_ids(ForeignIdType::Int)).await;
    kit.create(&plain("wide").metadata_column("meta").trace_column("trace_parent")).await;
    let wrong = [
        plain("texts").foreign_ids(ForeignIdType::Int),
        plain("numbers"),
        plain("texts").type_column("about").foreign_id_column("happened"),
        plain("texts").id_column("at_time").time_column("id"),
        plain("wide").metadata_column("trace_parent").trace_column("meta"),
    ];
    for table in wrong {
        names(&refused(kit.inspect(&table).await, ErrorKind::Unsupported), &[table.name(), "expected", "found"]);
    }
    let cursors = CursorTable::new("int_cursors");
    kit.create_cursors(&cursors).await;
    let text = cursors.clone().positions(CursorType::Text);
    names(&refused(kit.inspect_cursors(&text).await, ErrorKind::Unsupported), &["int_cursors", "last_event_id"]);
    let swapped = cursors.id_column("last_event_id").position_column("id");
    names(&refused(kit.inspect_cursors(&swapped).await, ErrorKind::Unsupported), &["int_cursors"]);
    kit.create_errors(&ErrorTable::new("errors")).await;
    let swapped = ErrorTable::new("errors").with_columns(|columns| {
        std::mem::swap(&mut columns.message, &mut columns.position);
    });
    names(&refused(kit.inspect_errors(&swapped).await, ErrorKind::Unsupported), &["errors"]);
}

/// A copy by `CREATE TABLE .. AS` has the columns, and none of the keys.
pub async fn t2_an_id_that_is_not_unique_is_unsupported<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let cursors = CursorTable::new("cursors");
    kit.create(&plain("events")).await;
    kit.create_cursors(&cursors).await;
    if !kit.sql("CREATE TABLE copied AS SELECT * FROM events").await {
        return;
    }
    for table in [plain("copied"), plain("copied").gaps(Gaps::Waited)] {
        names(&refused(kit.inspect(&table).await, ErrorKind::Unsupported), &["copied", "id"]);
    }
    kit.sql("CREATE TABLE copied_cursors AS SELECT * FROM cursors").await;
    let copied = CursorTable::new("copied_cursors");
    names(&refused(kit.inspect_cursors(&copied).await, ErrorKind::Unsupported), &["copied_cursors", "id"]);
}

/// Unique is not enough: readers rest on the order in which the database gives ids out.
pub async fn t2_an_id_that_is_not_given_out_is_unsupported<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    kit.create(&plain("events")).await;
    kit.create_errors(&ErrorTable::new("errors")).await;
    let copied = "CREATE TABLE copied AS SELECT * FROM events; CREATE UNIQUE INDEX copied_id ON copied (id)";
    if !kit.sql(copied).await {
        return;
    }
    for table in [plain("copied"), plain("copied").gaps(Gaps::Waited)] {
        names(&refused(kit.inspect(&table).await, ErrorKind::Unsupported), &["copied", "id"]);
    }
}

/// There is to be one of each consumer and position.
pub async fn t2_dead_letters_that_are_not_unique_are_unsupported<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    kit.create_errors(&ErrorTable::new("errors")).await;
    if !kit.sql("CREATE TABLE copied AS SELECT * FROM errors; CREATE UNIQUE INDEX copied_id ON copied (id)").await {
        return;
    }
    names(&refused(kit.inspect_errors(&ErrorTable::new("copied")).await, ErrorKind::Unsupported), &["copied"]);
}
