//! Keeps rows in your database in step with systems that you do not own.
