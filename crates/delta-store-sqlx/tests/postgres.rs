//! The store contract on Postgres, and its comparison with the memory store.

#![cfg(feature = "postgres")]

mod postgres_support;

use delta_store_sqlx::{PgSettings, StatementCache};
use postgres_support::Server;

/// As most use it.
mod usual {
    use super::{PgSettings, Server};

    delta_testkit::store_contract!(|| Server::fixture(PgSettings::new()));
    delta_testkit::store_differential!(|| Server::fixture(PgSettings::new()));
}

/// As it is used behind a connection pooler.
mod without_statement_cache {
    use super::{PgSettings, Server, StatementCache};

    delta_testkit::store_contract!(|| Server::fixture(PgSettings::new().statement_cache(StatementCache::Off)));
}
