use delta::core::{
    Access, DeadLetter, DeadLetterStatus, ErrorTable, EventTable, EventTables as _, ForeignId, LogName, LogStore as _,
    Store as _, TableFilter, TableQuery, Timestamp, WakeUpSignal,
};
use delta::{
    Client, ErrorKind, EventFilter, MemoryStore, Position, RecordErrors, RecordOnly, RecordWithEvent, Result, Trim,
};

use crate::kit::{append, at, client};

fn letter(consumer: &str, position: i64) -> DeadLetter {
    DeadLetter {
        id: 0,
        consumer: consumer.to_owned(),
        log: Some(LogName::own()),
        position: at(position),
        message: "no".to_owned(),
        attempts: Some(3),
        status: DeadLetterStatus::Dead,
        event: None,
        created_at: Timestamp::from_micros(5),
        updated_at: Timestamp::from_micros(5),
    }
}

/// Records a letter as a consumer does: in a transaction that holds if it succeeds.
async fn record(
    client: &Client<MemoryStore>,
    how: &dyn RecordErrors<MemoryStore>,
    letter: DeadLetter,
) -> Result<Vec<WakeUpSignal>> {
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await?;
    store.begin_tx(&mut conn).await?;
    let recorded = how.record(store, &mut conn, &letter).await;
    match &recorded {
        Ok(_) => store.commit_tx(&mut conn).await?,
        Err(_) => store.rollback_tx(&mut conn).await?,
    }
    recorded
}

fn own(client: &Client<MemoryStore>) -> RecordOnly {
    RecordOnly::new(client.store().dead_letter_table()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn letters_are_listed_by_consumer_and_status_and_shown_by_id() {
    let client = client();
    append(&client, 1..=5).await;
    for (consumer, position) in [("mailer", 1), ("biller", 2), ("mailer", 3), ("mailer", 3)] {
        assert!(record(&client, &own(&client), letter(consumer, position)).await.unwrap().is_empty());
    }
    let mailer = client.log().dead_letters("mailer");
    let listed = mailer.list(None, 0, 10).await.unwrap();
    assert_eq!(listed.iter().map(|letter| letter.position.get()).collect::<Vec<_>>(), [1, 3], "once each");
    assert_eq!(mailer.list(None, listed[0].id, 10).await.unwrap().len(), 1);
    assert_eq!(client.log().all_dead_letters().list(None, 0, 10).await.unwrap().len(), 3);
    let biller = client.log().dead_letters("biller").list(None, 0, 10).await.unwrap().pop().unwrap();
    assert_eq!(mailer.show(listed[1].id).await.unwrap().as_ref(), Some(&listed[1]));
    assert_eq!(mailer.show(biller.id).await.unwrap(), None, "another consumer's");
    assert_eq!(mailer.show(99).await.unwrap(), None);

    assert_eq!(mailer.replay(&[listed[0].id, biller.id, 99]).await.unwrap(), 1, "not another consumer's");
    let in_status = async |status| {
        let letters = client.log().all_dead_letters().list(Some(status), 0, 10).await.unwrap();
        letters.into_iter().map(|letter| letter.position.get()).collect::<Vec<_>>()
    };
    assert_eq!(in_status(DeadLetterStatus::Replay).await, [1]);
    assert_eq!(in_status(DeadLetterStatus::Dead).await, [2, 3]);
    assert_eq!(mailer.replay(&[listed[0].id]).await.unwrap(), 0, "it is to be replayed already");
    assert_eq!(mailer.resolve(&[listed[0].id, listed[1].id]).await.unwrap(), 2);
    assert_eq!(in_status(DeadLetterStatus::Resolved).await, [1, 3]);
    assert_eq!(mailer.replay(&[listed[0].id]).await.unwrap(), 0, "what is done is done");
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_letter_is_the_one_that_was_kept_or_read_from_the_log() {
    let client = client();
    append(&client, 1..=5).await;
    let events = client.log().page(Position::START, 10, &EventFilter::default()).await.unwrap().events;
    let letters = client.log().dead_letters("mailer");
    assert_eq!(letters.event(&letter("mailer", 3)).await.unwrap(), events[2]);
    assert_eq!(letters.event(&letter("mailer", 1)).await.unwrap(), events[0]);
    assert_eq!(letters.event(&letter("mailer", 6)).await.unwrap_err().kind(), ErrorKind::Invalid);
    let kept = DeadLetter { event: Some(serde_json::to_string(&events[2]).unwrap()), ..letter("mailer", 3) };
    client.log().trim(Trim::up_to(at(3))).run().await.unwrap();
    for gone in 1..=3 {
        let error = letters.event(&letter("mailer", gone)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{gone}: {error}");
    }
    assert_eq!(letters.event(&kept).await.unwrap(), events[2], "whatever the log still has");
    let spoilt = DeadLetter { event: Some("{".to_owned()), ..kept };
    assert_eq!(letters.event(&spoilt).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test(start_paused = true)]
async fn an_applications_own_table_is_listed_and_marked_alike() {
    let client = client();
    append(&client, 1..=5).await;
    let table = ErrorTable::new("consumer_errors").with_columns(|columns| columns.message = "msg".to_owned());
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.create_error_table(&mut conn, &table).await.unwrap();
    let how = RecordOnly::new(table.clone()).unwrap();
    let event = Some("{}".to_owned());
    record(&client, &how, DeadLetter { event, ..letter("mailer", 4) }).await.unwrap();
    assert_eq!(client.log().dead_letters("mailer").list(None, 0, 10).await.unwrap(), []);
    let letters = client.log().dead_letters("mailer").table(table).unwrap();
    let listed = letters.list(Some(DeadLetterStatus::Dead), 0, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].position, listed[0].message.as_str()), (1, at(4), "no"));
    assert_eq!(
        letters.event(&listed[0]).await.unwrap().position,
        at(4),
        "read from the log: there is no column for it"
    );
    assert_eq!(letters.replay(&[listed[0].id]).await.unwrap(), 1);
    assert_eq!(letters.show(listed[0].id).await.unwrap().unwrap().status, DeadLetterStatus::Replay);
    assert_eq!(client.log().dead_letters("x").table(ErrorTable::new("a b")).unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test(start_paused = true)]
async fn a_letter_and_the_event_about_it_are_there_together_or_not_at_all() {
    let client = client();
    append(&client, 1..=5).await;
    let store = client.store();
    let events = EventTable::new("error_events").metadata_column("metadata");
    let how = RecordWithEvent::new(store.dead_letter_table(), events.clone()).unwrap();
    record(&client, &how, letter("mailer", 1)).await.unwrap_err();
    let letters = client.log().dead_letters("mailer");
    assert_eq!(letters.list(None, 0, 10).await.unwrap(), [], "no letter without its event");

    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.create_event_table(&mut conn, &events).await.unwrap();
    let woken = record(&client, &how, letter("mailer", 2)).await.unwrap();
    assert_eq!(woken, [WakeUpSignal::Log(LogName::of_table("error_events"))]);
    let listed = letters.list(None, 0, 10).await.unwrap();
    let query = TableQuery { after: Position::START, limit: 10, filter: TableFilter::default() };
    let page = store.table_events(&mut conn, &events, &query).await.unwrap();
    let [event] = &page.events[..] else { panic!("{page:?}") };
    assert_eq!((&event.foreign_id, event.kind), (&ForeignId::from(listed[0].id.to_string()), 1));
    assert_eq!(event.metadata.as_deref(), Some(&b"mailer"[..]));
}
