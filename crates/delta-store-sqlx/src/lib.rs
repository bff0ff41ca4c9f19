//! Delta's stores on SQLite and Postgres through sqlx.
