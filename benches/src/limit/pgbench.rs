use std::time::Duration;

use tokio::process::Command;

use super::program;
use crate::failure::Failure;

/// What each connection runs, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// In the language of `pgbench`.
    pub(crate) text: String,
    /// Its variables, as they are in the first transaction.
    pub(crate) variables: Vec<(String, String)>,
}

/// Runs so many transactions on each of some connections, with prepared statements; returns how long they took, the making
/// of the connections left out.
///
/// # Cancel safety
///
/// Dropping the future ends the program.
pub(crate) async fn pgbench(
    url: &str,
    script: &Script,
    connections: usize,
    transactions: usize,
) -> Result<Duration, Failure> {
    let directory = tempfile::Builder::new().prefix("delta-load-").tempdir()?;
    let file = directory.path().join("script.sql");
    std::fs::write(&file, &script.text)?;
    let connections = connections.to_string();
    let mut command = Command::new(program::find()?);
    command.args(["--no-vacuum", "--protocol=prepared", "--client", &connections, "--jobs", &connections]);
    command.args(["--transactions", &transactions.to_string()]).arg("--file").arg(&file);
    for (name, value) in &script.variables {
        command.arg("--define").arg(format!("{name}={value}"));
    }
    let output = command.arg(url).kill_on_drop(true).output().await?;
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let error: String = error.chars().take(2_000).collect();
        return Err(format!("pgbench ended with {}: {error}", output.status).into());
    }
    time(&out).ok_or_else(|| format!("expected pgbench to say how many transactions it made, found: {out}").into())
}

/// The time that the transactions took, out of their number and rate.
fn time(out: &str) -> Option<Duration> {
    let after = |name: &str| out.lines().find_map(|line| line.trim().strip_prefix(name));
    let made = after("number of transactions actually processed: ")?.split('/').next()?.trim().parse::<f64>().ok()?;
    let rate = after("tps = ")?.split_whitespace().next()?.parse::<f64>().ok()?;
    (rate > 0.0).then(|| Duration::from_secs_f64(made / rate))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::time;

    #[test]
    fn the_time_is_that_of_all_transactions() {
        let out = "transaction type: x.sql\nnumber of transactions actually processed: 40/40\n\
                   latency average = 5.0 ms\ninitial connection time = 9.9 ms\n\
                   tps = 20.000000 (without initial connection time)\n";
        assert_eq!(time(out), Some(Duration::from_secs(2)));
        assert_eq!(time("pgbench: error"), None);
    }
}
