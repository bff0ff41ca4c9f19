use clap::Parser;

/// Charges payments at a provider that limits, fails and loses answers: each payment exactly once.
#[derive(Debug, Parser)]
#[command(name = "payments")]
pub(crate) struct Args {
    /// The database, as `sqlite://PATH` or `postgres://…` [default: a SQLite file that goes at the end]
    #[arg(long, env = "DELTA_PAYMENTS_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,

    /// How many payments there are.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) payments: u32,
}
