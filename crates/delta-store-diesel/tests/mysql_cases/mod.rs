mod ask;
mod callers;
mod connect;
mod dropped;
mod errors;
mod restart;
mod rows;
mod statements;
