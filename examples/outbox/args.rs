use clap::Parser;

/// An order service whose orders and events are one, and three consumers of the events.
#[derive(Debug, Parser)]
#[command(name = "outbox")]
pub(crate) struct Args {
    /// The database, as `sqlite://PATH` or `postgres://…` [default: a SQLite file that goes at the end]
    #[arg(long, env = "DELTA_OUTBOX_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,

    /// How many orders come in before the program ends.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) orders: u32,
}
