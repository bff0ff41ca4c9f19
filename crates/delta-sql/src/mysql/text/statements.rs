use std::sync::Arc;

use super::{browse, claim, cursors, due, holders, inspect, lanes, load, log, restore, scopes, trim, write};
use crate::TablePrefix;
use crate::mysql::multi::Multi;
use crate::mysql::settings::MySqlSettings;

/// The names of the tables, without the prefix.
pub(crate) const TABLES: [&str; 10] = [
    "resource",
    "detail",
    "attempt_error",
    "kind",
    "namespace",
    "event",
    "log_mark",
    "cursor",
    "dead_letter",
    "migration",
];

/// The quoted name of a table.
pub(crate) fn table(prefix: &TablePrefix, name: &str) -> String {
    format!("`{}_{name}`", prefix.as_str())
}

/// Every statement of a store with these settings, with its name: to look at their plans.
#[must_use]
pub fn statements(settings: &MySqlSettings) -> Vec<(&'static str, Arc<str>)> {
    Statements::new(settings.prefix()).all()
}

/// Fills in `{resource}` and its like.
pub(crate) fn render(prefix: &TablePrefix, text: &str) -> String {
    TABLES.iter().fold(text.replace("{prefix}", prefix.as_str()), |text, name| {
        text.replace(&format!("{{{name}}}"), &table(prefix, name))
    })
}

macro_rules! statements {
    ($($name:ident = $text:expr;)+) => {
        /// Every statement of a store, for one set of tables.
        #[derive(Clone, Debug)]
        pub(crate) struct Statements {
            $(pub(crate) $name: Arc<str>,)+
            pub(crate) pick: [Arc<str>; claim::LANES.len()],
            pub(crate) new_resources: Multi,
            pub(crate) write_resources: Multi,
            pub(crate) new_details: Multi,
            pub(crate) write_details: Multi,
            pub(crate) write_objects: Multi,
            pub(crate) write_tags: Multi,
            pub(crate) record_errors: Multi,
            pub(crate) append: Multi,
            pub(crate) new_cursors: Multi,
            pub(crate) write_cursors: Multi,
            pub(crate) restore_kinds: Multi,
            pub(crate) restore_namespaces: Multi,
            pub(crate) restore_events: Multi,
        }

        impl Statements {
            /// Fills the names of tables into all texts.
            pub(crate) fn new(prefix: &TablePrefix) -> Self {
                let render = |text: &str| -> Arc<str> { render(prefix, text).into() };
                let table = |name: &str| table(prefix, name);
                Self {
                    $($name: render(&$text),)+
                    pick: claim::LANES.map(|lanes| render(&claim::pick(lanes))),
                    new_resources: write::new_resources(&table("resource")),
                    write_resources: write::resources(&table("resource")),
                    new_details: write::new_details(&table("detail")),
                    write_details: write::details(&table("detail")),
                    write_objects: write::objects(&table("detail")),
                    write_tags: write::tags(&table("detail")),
                    record_errors: write::errors(&table("attempt_error")),
                    append: write::events(&table("event")),
                    new_cursors: write::new_cursors(&table("cursor")),
                    write_cursors: write::cursors(&table("cursor")),
                    restore_kinds: restore::scopes(&table("kind")),
                    restore_namespaces: restore::scopes(&table("namespace")),
                    restore_events: restore::events(&table("event")),
                }
            }

            fn all(&self) -> Vec<(&'static str, Arc<str>)> {
                let multi = [
                    ("new_resources", &self.new_resources),
                    ("write_resources", &self.write_resources),
                    ("new_details", &self.new_details),
                    ("write_details", &self.write_details),
                    ("write_objects", &self.write_objects),
                    ("write_tags", &self.write_tags),
                    ("record_errors", &self.record_errors),
                    ("append", &self.append),
                    ("new_cursors", &self.new_cursors),
                    ("write_cursors", &self.write_cursors),
                    ("restore_kinds", &self.restore_kinds),
                    ("restore_namespaces", &self.restore_namespaces),
                    ("restore_events", &self.restore_events),
                ];
                let single = [$((stringify!($name), self.$name.clone()),)+];
                let pick = self.pick.iter().map(|text| ("pick", text.clone()));
                let multi = multi.into_iter().map(|(name, multi)| (name, multi.single().clone()));
                single.into_iter().chain(pick).chain(multi).collect()
            }
        }
    };
}

statements! {
    now = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))";
    session = "SELECT VERSION(), @@character_set_client, @@character_set_connection, @@character_set_results, \
        @@SESSION.sql_mode";
    isolation = "SELECT /*!80003 @@SESSION.transaction_isolation */ /*M! @@SESSION.tx_isolation */";

    heads = load::heads();
    full = load::full();
    lock = load::lock();
    lock_free = load::lock_free();
    heads_by_key = load::heads_by_key();
    full_by_key = load::full_by_key();
    ids_by_key = load::ids_by_key();
    details = load::details();
    objects = load::objects();

    given_out = write::GIVEN_OUT;
    prune_errors = write::prune();
    remove_errors = write::remove("attempt_error", "resource_id");
    remove_details = write::remove("detail", "resource_id");
    remove_resources = write::remove("resource", "id");

    paused = claim::PAUSED;
    lanes = lanes::lanes();

    due_expiry = due::expiry();
    due_rescue = due::rescue();
    due_ended = due::ended();
    due_state = due::state();
    due_missing = due::missing();

    list_heads = browse::list_heads();
    list_full = browse::list_full();
    count = browse::count();

    log_state = log::state();
    log_hold = log::HOLD;
    log_quiet = log::QUIET;
    log_current = log::CURRENT;
    log_open = log::OPEN;
    log_turn = log::TURN;
    log_free = log::FREE;
    log_close = log::close();
    log_wait = log::WAIT;
    log_page = log::page();

    blockers = holders::BLOCKERS;
    may_look = holders::MAY_LOOK;
    pause = holders::PAUSE;
    connection = holders::CONNECTION;

    inspect_table = inspect::TABLE;
    inspect_columns = inspect::COLUMNS;
    inspect_keys = inspect::KEYS;
    inspect_triggers = inspect::TRIGGERS;
    lock_name = inspect::LOCK;

    trimmed = trim::TRIMMED;
    lock_trimmed = trim::LOCK;
    new_trimmed = trim::NEW;
    raise_trimmed = trim::RAISE;
    trim_look = trim::look("{event}", "position");
    trim_delete = trim::delete("{event}", "position");

    cursors_by_name = cursors::by_name();
    cursors_by_prefix = cursors::by_prefix();
    cursors_due = cursors::due();
    lock_cursors = cursors::lock();
    remove_cursors = cursors::remove();

    look = restore::LOOK;
    last_given_out = restore::GIVEN_OUT;
    raise_id = restore::RAISE_ID;
    raise_position = restore::RAISE_POSITION;
    remove_events = write::remove("event", "position");
    foreign = restore::FOREIGN;

    scopes = scopes::SCOPES;
    kinds_named = scopes::named("kind");
    kinds_numbered = scopes::numbered("kind");
    new_kind = scopes::new("kind");
    lock_kind = scopes::lock("kind");
    pause_kind = scopes::pause("kind");
    set_kind = scopes::set("kind");
    namespaces_named = scopes::named("namespace");
    namespaces_numbered = scopes::numbered("namespace");
    new_namespace = scopes::new("namespace");
    lock_namespace = scopes::lock("namespace");
    pause_namespace = scopes::pause("namespace");
    set_namespace = scopes::set("namespace");
}
