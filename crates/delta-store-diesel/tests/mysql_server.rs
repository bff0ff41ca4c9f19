//! What it takes a server to show of this driver: S12, errors, deadlocks, dropped futures, prepared statements.

#![cfg(feature = "mysql")]

mod mysql_cases;
mod mysql_support;
