//! The store contract on Postgres through diesel, and its comparison with the memory store.

#![cfg(feature = "postgres")]

mod postgres_support;

use delta_store_diesel::{Listen, PgSettings, StatementCache};
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
    use delta_store_diesel::PgDieselStore;
    use delta_testkit::database::pgbouncer;

    use super::{Listen, PgSettings, Server, StatementCache};

    async fn server() -> Server {
        let settings = PgSettings::new().statement_cache(StatementCache::Off).listen(Listen::Off);
        let server = Server::fixture(settings.clone()).await;
        let url = pgbouncer().await.expect("a pooler").url_of(&server.database);
        let store = PgDieselStore::options(url).settings(settings).connect().await.expect("a store");
        server.store.close();
        Server { store, name: "diesel: Postgres through PgBouncer", ..server }
    }

    delta_testkit::store_contract!(server);
    delta_testkit::log_contract!(server);
    delta_testkit::table_contract!(server);
    delta_testkit::store_differential!(server);
}
