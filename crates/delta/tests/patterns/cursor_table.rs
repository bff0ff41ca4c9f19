use delta::core::{Access, CursorTable, CursorType, EventTables as _, Store as _};
use delta::{Client, CursorStore as _, ErrorKind, MemoryStore, TableCursors, Trim, TrimEnd};

use crate::kit::{append, at, client};

async fn cursors(client: &Client<MemoryStore>, table: CursorTable) -> TableCursors<MemoryStore> {
    let mut conn = client.store().acquire(Access::Write).await.unwrap();
    client.store().create_cursor_table(&mut conn, &table).await.unwrap();
    TableCursors::new(client, table).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_place_in_a_table_moves_forwards_and_an_equal_one_does_nothing() {
    let client = client();
    for kind in [CursorType::Int, CursorType::Text] {
        let cursors = cursors(&client, CursorTable::new(format!("cursors_{kind:?}")).positions(kind)).await;
        assert_eq!(cursors.load("mailer").await.unwrap(), None);
        for position in [9, 10, 10, 100] {
            cursors.save("mailer", at(position)).await.unwrap();
        }
        let error = cursors.save("mailer", at(20)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("expected position 100 or a later one, found 20"), "{error}");
        assert_eq!(cursors.load("mailer").await.unwrap(), Some(at(100)));
        cursors.flush().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_or_is_not_there_is_refused() {
    let client = client();
    assert_eq!(TableCursors::new(&client, CursorTable::new("a b")).unwrap_err().kind(), ErrorKind::Invalid);
    let missing = TableCursors::new(&client, CursorTable::new("cursors")).unwrap();
    assert_eq!(missing.load("mailer").await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(missing.save("mailer", at(1)).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_trim_heeds_a_table_that_is_named() {
    let client = client();
    append(&client, 1..=10).await;
    let cursors = cursors(&client, CursorTable::new("cursors")).await;
    cursors.save("mailer", at(4)).await.unwrap();
    let report = client.log().trim(Trim::keep(0)).cursors(cursors, ["mailer"]).run().await.unwrap();
    assert_eq!(report.up_to, at(4));
    assert!(matches!(report.end, TrimEnd::Consumer(slowest) if slowest.consumer == "mailer"));
}
