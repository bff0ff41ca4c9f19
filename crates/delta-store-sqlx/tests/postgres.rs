//! The store contract on Postgres.

#![cfg(feature = "postgres")]

mod postgres_support;

use delta_store_sqlx::{PgSettings, StatementCache};
use postgres_support::Server;

/// As most use it.
mod usual {
    use super::Server;

    delta_testkit::store_contract!(|| Server::fixture(super::PgSettings::new()));
}

/// As it is used behind a connection pooler.
mod without_statement_cache {
    use super::{PgSettings, Server, StatementCache};

    delta_testkit::store_contract!(|| Server::fixture(PgSettings::new().statement_cache(StatementCache::Off)));
}
