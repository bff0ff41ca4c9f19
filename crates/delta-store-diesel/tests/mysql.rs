//! The store contract on MariaDB through diesel, and its comparison with the memory store.

#![cfg(feature = "mysql")]

mod mysql_support;

use mysql_support::Server;

delta_testkit::store_contract!(Server::fixture);
delta_testkit::restore_contract!(Server::fixture);
delta_testkit::log_contract!(Server::fixture);
delta_testkit::table_contract!(Server::fixture);
delta_testkit::store_differential!(Server::fixture);
