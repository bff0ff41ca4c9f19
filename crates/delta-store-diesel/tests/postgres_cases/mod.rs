mod connect;
mod dropped;
mod encryption;
mod errors;
mod restart;
mod rows;
mod statements;
mod times;
