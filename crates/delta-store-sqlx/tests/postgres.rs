//! The store contract on Postgres, and its comparison with the memory store.

#![cfg(feature = "postgres")]

mod postgres_support;

use delta_store_sqlx::{Listen, PgSettings, PgStore, StatementCache};
use postgres_support::Server;

/// As most use it.
mod usual {
    use super::{PgSettings, Server};

    delta_testkit::store_contract!(|| Server::fixture(PgSettings::new()));
    delta_testkit::restore_contract!(|| Server::fixture(PgSettings::new()));
    delta_testkit::log_contract!(|| Server::fixture(PgSettings::new()));
    delta_testkit::table_contract!(|| Server::fixture(PgSettings::new()));
    delta_testkit::store_differential!(|| Server::fixture(PgSettings::new()));
}

/// As it is used behind a connection pooler.
mod without_statement_cache {
    use super::{PgSettings, Server, StatementCache};

    delta_testkit::store_contract!(|| Server::fixture(PgSettings::new().statement_cache(StatementCache::Off)));
}

/// Behind a pooler in transaction mode that carries no prepared statements over, and on which nobody can listen.
mod behind_a_pooler {
    use delta_testkit::database::pgbouncer;

    use super::{Listen, PgSettings, PgStore, Server, StatementCache};

    async fn fixture() -> Server {
        let settings = PgSettings::new().statement_cache(StatementCache::Off).listen(Listen::Off);
        let server = Server::fixture(settings.clone()).await;
        let url = pgbouncer().await.expect("a pooler").url_of(&server.database);
        let store = PgStore::options(url).settings(settings).connect().await.expect("a store");
        server.store.close().await;
        Server { store, name: "sqlx: Postgres through PgBouncer", ..server }
    }

    delta_testkit::store_contract!(fixture);
    delta_testkit::log_contract!(fixture);
    delta_testkit::table_contract!(fixture);
    delta_testkit::store_differential!(fixture);
}
