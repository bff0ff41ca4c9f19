use std::sync::Arc;

use super::log::{self, Bounds};
use super::settle::Settling;
use super::{
    browse, changes, claim, columns, cursors, due, events, insert, lanes, load, restore, scopes, settle, update,
};
use crate::SchemaName;
use crate::postgres::log::LogSpace;

/// As many nulls as a list has columns.
fn nulls(columns: &str) -> String {
    vec!["NULL"; columns.split(',').count()].join(", ")
}

/// A statement for rows that are waited for, and its twin that leaves out what others have locked.
#[derive(Clone, Debug)]
pub struct Locking {
    /// Waits.
    pub wait: Arc<str>,
    /// Leaves out.
    pub skip: Arc<str>,
}

/// A statement that returns resources, and its twin that returns their detail as well.
#[derive(Clone, Debug)]
pub struct Deep {
    /// The narrow part.
    pub head: Arc<str>,
    /// With the detail.
    pub full: Arc<str>,
}

/// Every statement of a store, for one schema.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is described where its text is")]
pub struct Statements {
    settle: [Arc<str>; Settling::COUNT],
    pub claim: Arc<str>,
    pub insert: Arc<str>,
    pub update: Locking,
    pub renew: Locking,
    pub lock: Locking,
    pub recheck: Arc<str>,
    pub record: Arc<str>,
    pub append: Arc<str>,
    pub remove: Arc<str>,
    pub notify_claimable: Arc<str>,
    pub notify: Arc<str>,
    pub load_ids: Deep,
    pub load_keys: Deep,
    pub lock_keys: Arc<str>,
    pub due_expiry: Arc<str>,
    pub due_rescue: Arc<str>,
    pub due_ended: Arc<str>,
    pub due_state: Arc<str>,
    pub due_missing: Arc<str>,
    pub lanes: Arc<str>,
    pub list: Deep,
    pub count: Arc<str>,
    pub log: Bounds,
    pub events: Arc<str>,
    pub mark: Arc<str>,
    pub trim: Arc<str>,
    pub cursors_named: Arc<str>,
    pub cursors_prefixed: Arc<str>,
    pub cursors_due: Arc<str>,
    pub lock_cursors: Arc<str>,
    pub new_cursors: Arc<str>,
    pub put_cursors: Arc<str>,
    pub remove_cursors: Arc<str>,
    pub scopes: Arc<str>,
    pub kinds_named: Arc<str>,
    pub kinds_numbered: Arc<str>,
    pub new_kinds: Arc<str>,
    pub pause_kind: Arc<str>,
    pub set_kind: Arc<str>,
    pub namespaces_named: Arc<str>,
    pub namespaces_numbered: Arc<str>,
    pub new_namespaces: Arc<str>,
    pub pause_namespace: Arc<str>,
    pub set_namespace: Arc<str>,
    pub append_scope: Arc<str>,
    pub given_out: Arc<str>,
    pub analyze: Arc<str>,
    pub raise_given_out: Arc<str>,
    pub foreign: Arc<str>,
    pub restore_kinds: Arc<str>,
    pub restore_namespaces: Arc<str>,
    pub restore_resources: Arc<str>,
    pub restore_details: Arc<str>,
    pub restore_errors: Arc<str>,
    pub restore_events: Arc<str>,
    pub restore_cursors: Arc<str>,
    pub now: Arc<str>,
    pub nothing: Arc<str>,
}

impl Statements {
    /// Fills the names of a schema into all texts.
    #[must_use]
    pub fn new(schema: &SchemaName) -> Self {
        let space = LogSpace::of(schema).number().to_string();
        let no_rest = nulls(columns::REST);
        // Position, kind and reason of an event; and the detail has four columns.
        let no_claimed = format!("{}, {}, {no_rest}, {}", nulls("1,2,3"), nulls(columns::SUBJECT), nulls("1,2,3,4"));
        let render = |text: &str| -> Arc<str> {
            [
                // First those that hold others.
                ("{event}", columns::EVENT),
                ("{event_subject}", columns::EVENT_SUBJECT),
                ("{event_target}", columns::EVENT_TARGET),
                ("{no_event}", columns::NO_EVENT),
                ("{no_claimed}", &no_claimed),
                ("{no_rest}", &no_rest),
                ("{subject}", columns::SUBJECT),
                ("{rest}", columns::REST),
                ("{detail}", columns::DETAIL),
                ("{locked_detail}", columns::LOCKED_DETAIL),
                ("{with_detail}", columns::WITH_DETAIL),
                ("{claimable}", columns::CLAIMABLE),
                ("{log_space}", &space),
                ("{schema}", &schema.quoted()),
            ]
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
            .into()
        };
        let locking = |text: &str| Locking {
            wait: render(&text.replace("{skip}", "")),
            skip: render(&text.replace("{skip}", "SKIP LOCKED")),
        };
        let deep = |text: &str| Deep {
            head: render(&text.replace("{columns}", "{subject}, {rest}").replace("{joined}", "")),
            full: render(
                &text.replace("{columns}", "{subject}, {rest}, {detail}").replace("{joined}", "{with_detail}"),
            ),
        };
        Self {
            settle: Settling::all().map(|which| render(&settle::settle(which))),
            claim: render(&claim::claim()),
            insert: render(insert::INSERT),
            update: locking(update::UPDATE),
            renew: locking(changes::RENEW),
            lock: locking(changes::LOCK),
            recheck: render(changes::RECHECK),
            record: render(changes::RECORD),
            append: render(changes::APPEND),
            remove: render(changes::REMOVE),
            notify_claimable: render(changes::NOTIFY_CLAIMABLE),
            notify: render(changes::NOTIFY),
            load_ids: deep(load::IDS),
            load_keys: deep(load::KEYS),
            lock_keys: render(load::LOCK_KEYS),
            due_expiry: render(&due::expiry()),
            due_rescue: render(&due::rescue()),
            due_ended: render(&due::ended()),
            due_state: render(&due::state()),
            due_missing: render(&due::missing()),
            lanes: render(&lanes::lanes()),
            list: deep(&browse::list()),
            count: render(&browse::count()),
            log: Bounds::new(
                [events::LAST, "{log_space}", "true"],
                ("{schema}.event", "position"),
                &log::mark(&events::mark_name()),
                render,
            ),
            events: render(&events::events()),
            mark: render(&events::mark()),
            trim: render(&events::trim()),
            cursors_named: render(&cursors::cursor(cursors::NAMED)),
            cursors_prefixed: render(&cursors::cursor(cursors::PREFIXED)),
            cursors_due: render(&cursors::cursor(cursors::DUE)),
            lock_cursors: render(cursors::LOCK),
            new_cursors: render(&cursors::cursor(cursors::NEW)),
            put_cursors: render(cursors::PUT),
            remove_cursors: render(cursors::REMOVE),
            scopes: render(scopes::SCOPES),
            kinds_named: render(&scopes::named("kind")),
            kinds_numbered: render(&scopes::numbered("kind")),
            new_kinds: render(&scopes::new("kind")),
            pause_kind: render(&scopes::pause("kind")),
            set_kind: render(&scopes::set("kind")),
            namespaces_named: render(&scopes::named("namespace")),
            namespaces_numbered: render(&scopes::numbered("namespace")),
            new_namespaces: render(&scopes::new("namespace")),
            pause_namespace: render(&scopes::pause("namespace")),
            set_namespace: render(&scopes::set("namespace")),
            append_scope: render(scopes::APPEND),
            given_out: render(restore::GIVEN_OUT),
            analyze: render(restore::ANALYZE),
            raise_given_out: render(restore::RAISE),
            foreign: render(restore::FOREIGN),
            restore_kinds: render(&restore::scopes("kind")),
            restore_namespaces: render(&restore::scopes("namespace")),
            restore_resources: render(restore::RESOURCES),
            restore_details: render(restore::DETAILS),
            restore_errors: render(restore::ERRORS),
            restore_events: render(restore::EVENTS),
            restore_cursors: render(restore::CURSORS),
            now: render("SELECT clock_timestamp()"),
            nothing: render("SELECT 1"),
        }
    }

    /// The statement that settles so.
    #[must_use]
    pub fn settle(&self, which: Settling) -> &Arc<str> {
        &self.settle[which.index()]
    }
}
