use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use delta::core::Browse;
use delta::{
    Action, Client, ClientSettings, Controller, EventKind, InformContext, InformError, Migrate, Reason, Resource,
    WorkContext, WorkError,
};
use futures::stream::{self, Stream};

use crate::support::{Customer, Database, customer};
use crate::{on_all, with_store};

on_all! {
    a_request_is_run_by_a_client_that_has_the_informer,
    a_request_for_an_unknown_kind_says_so,
}

/// What a run was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    namespace: String,
    labels: BTreeMap<String, String>,
    limit: Option<u64>,
    order: Option<String>,
}

struct Customers(Arc<Mutex<Vec<Asked>>>);

impl Controller for Customers {
    type Object = Customer;

    async fn work(&self, _: &WorkContext, _: &Resource<Customer>) -> Result<Action, WorkError> {
        Ok(Action::Synced)
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Customer, InformError>> + Send {
        self.0.lock().unwrap().push(Asked {
            namespace: cx.namespace().to_owned(),
            labels: cx.labels().clone(),
            limit: cx.limit(),
            order: cx.order().map(str::to_owned),
        });
        stream::iter([Ok(customer("a"))])
    }
}

/// Works until the first customer was informed, and says what the informer was asked for.
async fn work<S: Browse + Migrate>(store: S) -> Vec<Asked> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let settings = ClientSettings::new().inform_interval(None);
    let client = Client::builder(store).controller(Customers(asked.clone())).settings(settings).build().unwrap();
    let mut informed = client.subscribe([EventKind::Scheduled(Reason::Created)]);
    let running = client.start().await.unwrap();
    informed.recv().await.unwrap();
    running.stop().await;

    asked.lock().unwrap().clone()
}

async fn a_request_is_run_by_a_client_that_has_the_informer(database: &Database) {
    database.json(&["migrate", "up"]);
    let command = [
        "inform",
        "customer",
        "--namespace",
        "eu",
        "--label",
        "plan=pro",
        "--label",
        "x=",
        "--limit",
        "5",
        "--order",
        "new",
    ];
    let answer = database.json(&command);
    assert_eq!((&answer["requested"], &answer["known_kind"]), (&true.into(), &false.into()));
    let asked = with_store!(database, |store| work(store).await);
    let labels = BTreeMap::from([("plan", "pro"), ("x", "")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    let expected = Asked { namespace: "eu".to_owned(), labels, limit: Some(5), order: Some("new".to_owned()) };
    assert_eq!(asked, [expected]);
    assert_eq!(database.json(&["inform", "customer"])["known_kind"], true);
}

async fn a_request_for_an_unknown_kind_says_so(database: &Database) {
    database.json(&["migrate", "up"]);
    let run = database.run(&["inform", "nobody"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("no client has worked the kind nobody yet"), "{run:?}");
    let contradiction = database.run(&["inform", "nobody", "--full", "--limit", "3"]);
    assert_eq!(contradiction.code, 2, "{contradiction:?}");
}
