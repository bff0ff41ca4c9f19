//! What it takes a server to show: S12, S15, rights, sessions, the log, plans, and what the database itself refuses.

#![cfg(feature = "mysql")]

mod mysql_cases;
mod mysql_support;
