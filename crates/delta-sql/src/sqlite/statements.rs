use std::sync::Arc;

use crate::sqlite::tables::Tables;
use crate::sqlite::{
    browse, catalog, claim, commit, cursors, due, events, insert, lanes, load, migrate, restore, scopes, trim, write,
};

/// The text of a statement, with its names filled in.
pub type Sql = Arc<str>;

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        /// All statements, rendered once for one set of tables.
        #[derive(Clone, Debug)]
        pub struct Statements {
            $($(#[$doc])* pub $name: Sql,)+
        }

        impl Statements {
            /// Renders all statements.
            #[must_use]
            pub fn new(tables: &Tables) -> Self {
                Self { $($name: tables.render(&$text),)+ }
            }

            /// Every statement with its name, to look at their plans.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &Sql)> {
                vec![$((stringify!($name), &self.$name),)+]
            }
        }
    };
}

statements! {
    /// Resources by id, the narrow part. `?1` ids.
    head_by_ids = load::head_by_ids();
    /// Resources by id. `?1` ids.
    full_by_ids = load::full_by_ids();
    /// Resources by key, the narrow part. `?1` keys.
    head_by_keys = load::head_by_keys();
    /// Resources by key. `?1` keys.
    full_by_keys = load::full_by_keys();
    /// Takes the write lock.
    lock = load::LOCK;

    /// What the fences of a changeset look at. `?1` ids.
    fences = commit::FENCES;
    /// Which keys exist. `?1` keys.
    key_fences = commit::KEY_FENCES;
    /// Which versions cursors have. `?1` names.
    cursor_fences = commit::CURSOR_FENCES;
    /// Appends events about resources. `?1` events, `?2` now.
    append = commit::APPEND;
    /// The lanes that a changeset wakes. `?1` ids.
    claimable_lanes = commit::CLAIMABLE_LANES;

    /// The last id given out.
    last_id = insert::LAST_ID;
    /// Creates namespaces. `?1` names.
    create_namespaces = insert::NAMESPACES;
    /// Creates kinds. `?1` names.
    create_kinds = insert::KINDS;
    /// Inserts resources. `?1` rows.
    insert_resources = insert::RESOURCES;
    /// Inserts details. `?1` details.
    insert_details = insert::DETAILS;
    /// Inserts errors. `?1` errors.
    insert_errors = insert::ERRORS;
    /// Drops all errors but the last ones. `?1` resources with the lowest number that stays.
    prune_errors = insert::PRUNE_ERRORS;

    /// Writes rows over. `?1` updates.
    update = write::UPDATE;
    /// Writes details over. `?1` details.
    update_details = write::UPDATE_DETAIL;
    /// Ends attempts. `?1` settlements, `?2` now.
    settle = write::SETTLE;
    /// Renews leases. `?1` renewals.
    renew = write::RENEW;
    /// Removes errors. `?1` ids.
    remove_errors = write::REMOVE_ERRORS;
    /// Removes details. `?1` ids.
    remove_details = write::REMOVE_DETAILS;
    /// Removes resources. `?1` ids.
    remove_resources = write::REMOVE;

    /// Finds what to claim. `?1` lanes, `?2` now, `?3` at most so many per lane.
    pick = claim::pick();
    /// Gives leases. `?1` claims, `?2` now, `?3` owner, `?4` until.
    take = claim::TAKE;
    /// The lanes that have something to claim. `?1` now, `?2` to `?5` names.
    lanes = lanes::lanes();

    /// What is due for expiry.
    due_expiry = due::expiry();
    /// What is due for rescue.
    due_rescue = due::rescue();
    /// Synced resources that are due for purging.
    due_purge_synced = due::purge_synced();
    /// Deleted resources that are due for purging.
    due_purge_deleted = due::purge_deleted();
    /// Degraded resources that are due for purging.
    due_purge_degraded = due::purge_degraded();
    /// All resources of some lanes by id.
    due_missing = due::missing();

    /// The head of the log.
    log_head = events::HEAD;
    /// A page of the log.
    log_page = events::page();
    /// All of the log after `?1`.
    log_since = events::since();

    /// The first events of the log. `?1` the last position, `?2` at most so many.
    log_oldest = trim::OLDEST;
    /// Removes the first events of the log. `?1` the last position.
    log_remove = trim::REMOVE;
    /// How far a log was trimmed. `?1` the name of its mark.
    log_mark = trim::MARK;
    /// Notes how far a log was trimmed. `?1` the name of its mark, `?2` the position.
    put_log_mark = trim::PUT_MARK;

    /// The columns of a live table. `?1` its name, `?2` its schema.
    table_columns = catalog::COLUMNS;
    /// The unique indexes of a live table. `?1` its name, `?2` its schema.
    table_unique = catalog::UNIQUE;

    /// Cursors by name. `?1` names.
    cursors_by_names = cursors::by_names();
    /// Cursors by the beginning of their names. `?1` prefix.
    cursors_by_prefix = cursors::by_prefix();
    /// Cursors that are due. `?1` prefix, `?2` now, `?3` limit.
    cursors_due = cursors::due();
    /// Stores cursors. `?1` cursors.
    put_cursors = cursors::PUT;
    /// Removes cursors. `?1` names.
    remove_cursors = cursors::REMOVE;

    /// All kinds and namespaces.
    scopes = scopes::ALL;
    /// Stores kinds. `?1` scopes.
    put_kinds = scopes::PUT_KINDS;
    /// Stores namespaces. `?1` scopes.
    put_namespaces = scopes::PUT_NAMESPACES;
    /// Appends events about kinds and namespaces. `?1` events, `?2` now.
    append_scopes = scopes::APPEND;

    /// A page of resources, the narrow part.
    list_head = browse::list_head();
    /// A page of resources.
    list_full = browse::list_full();
    /// Counts by lane and state.
    count = browse::count();

    /// The last id and the last position given out.
    given_out = restore::given_out();
    /// What keeps an import from beginning.
    foreign = restore::FOREIGN;
    /// Counts ids and positions as given out. `?1` the last id, `?2` the last position.
    raise_given_out = restore::RAISE;
    /// Begins the counts that were not there. Parameters as before.
    begin_given_out = restore::BEGIN;
    /// Writes events as they were read. `?1` events.
    restore_events = restore::EVENTS;

    /// Creates the table of versions.
    create_history = migrate::CREATE_HISTORY;
    /// Drops the table of versions.
    drop_history = migrate::DROP_HISTORY;
    /// Whether the table of versions exists. `?1` its name.
    history_exists = migrate::HISTORY_EXISTS;
    /// The versions that the database has.
    history = migrate::HISTORY;
    /// Notes a version. `?1` version, `?2` name.
    record = migrate::RECORD;
    /// Forgets a version. `?1` version.
    forget = migrate::FORGET;
}
