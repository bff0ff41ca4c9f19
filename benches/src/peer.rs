//! Other engines on the same server, driven by programs of their own: see `peers/` and `peers-go/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::failure::Failure;
use crate::server::World;
use crate::subject::{Measured, Parameters, Subject};

/// The scenarios in which they are measured beside us.
pub(crate) const SCENARIOS: [&str; 3] = ["drain", "inform", "pickup"];

/// How an engine is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With what must be set, and nothing else.
    Defaults,
    /// As its own documentation says for the most throughput.
    Tuned,
}

impl Mode {
    pub(crate) const BOTH: [Self; 2] = [Self::Tuned, Self::Defaults];

    fn name(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::Tuned => "tuned",
        }
    }
}

/// An engine, and the program that drives it.
#[derive(Clone, Debug)]
struct Engine {
    program: PathBuf,
    name: String,
}

/// Those that were built for this run.
static ENGINES: OnceLock<Vec<Engine>> = OnceLock::new();

/// Builds the programs, and says which could not be built and why.
///
/// # Errors
///
/// The Rust program does not build. A missing Go toolchain is no error: it is among what is said.
pub(crate) fn prepare() -> Result<Vec<String>, Failure> {
    let mut said = Vec::new();
    let mut engines = list(&rust()?)?;
    match go()? {
        Some(program) => engines.extend(list(&program)?),
        None => said.push("no Go toolchain: the peers written in Go are left out".to_owned()),
    }
    // A second run in one process measures the same ones.
    let _ = ENGINES.set(engines);
    Ok(said)
}

/// The engines as subjects of a scenario, with so many items, or rounds, and payloads of so many bytes.
pub(crate) fn subjects(scenario: &'static str, mode: Mode, items: usize, bytes: usize) -> Vec<Subject> {
    let engines = ENGINES.get().map(Vec::as_slice).unwrap_or_default();
    let subject = |engine: &Engine| {
        let name = format!("{} ({})", engine.name, mode.name());
        let engine = engine.clone();
        Subject::new(name, move |world| run(world, engine.clone(), scenario, mode, items, bytes))
    };
    engines.iter().map(subject).collect()
}

async fn run(
    world: Arc<World>,
    engine: Engine,
    scenario: &'static str,
    mode: Mode,
    items: usize,
    bytes: usize,
) -> Result<Vec<Measured>, Failure> {
    let database = world.postgres().await?.database().await?;
    let mut command = tokio::process::Command::new(&engine.program);
    command.args([&engine.name, scenario, "--url", database.url(), "--mode", mode.name()]);
    command.args(["--items", &items.to_string(), "--rounds", &items.to_string(), "--payload", &bytes.to_string()]);
    let output = command.kill_on_drop(true).output().await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let end: Vec<&str> = said.lines().rev().take(5).collect();
        return Err(format!("{} ended with {}: {}", engine.name, output.status, end.join(" | ")).into());
    }
    measured(&String::from_utf8_lossy(&output.stdout))
}

/// Reads what a program found: one JSON object.
fn measured(out: &str) -> Result<Vec<Measured>, Failure> {
    let found: Value = serde_json::from_str(out.trim())?;
    let notes = notes(&found);
    let number = |name: &str| found[name].as_f64().filter(|number| *number > 0.0);
    let mut all = Vec::new();
    if let Some((items, seconds)) = number("items").zip(number("seconds")) {
        all.push(Measured::new("throughput", "items/s", items / seconds));
    }
    for metric in ["p50", "p99"] {
        all.extend(number(&format!("{metric}_ms")).map(|ms| Measured::new(metric, "ms", ms)));
    }
    if all.is_empty() {
        return Err(format!("expected items and seconds, or p50_ms and p99_ms, of a peer; found {out}").into());
    }
    for one in &mut all {
        one.notes.clone_from(&notes);
    }
    Ok(all)
}

/// The version, and every setting that is not as by default.
fn notes(found: &Value) -> Parameters {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let settings = found["settings"].as_object().into_iter().flatten();
    let settings = settings.map(|(name, value)| (name.clone(), text(value)));
    settings.chain([("version".to_owned(), text(&found["version"]))]).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Builds the program of the engines written in Rust.
fn rust() -> Result<PathBuf, Failure> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        // What cargo set for this program is not meant for another.
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"]
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command.args(["build", "--release", "--message-format=json-render-diagnostics", "--manifest-path"]);
    command.arg(folder("peers").join("Cargo.toml"));
    // Beside this program, so that nothing is written among the sources.
    command.arg("--target-dir").arg(std::env::current_exe()?.with_file_name("delta-load-peers"));
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("cargo could not build the peers: {}", output.status).into());
    }
    let out = String::from_utf8_lossy(&output.stdout);
    let mut program = out.lines().rev().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    program.next().ok_or_else(|| "expected cargo to name the peers' program, found none".into())
}

/// Builds the program of the engines written in Go; none without a toolchain.
fn go() -> Result<Option<PathBuf>, Failure> {
    let folder = folder("peers-go");
    let program = std::env::current_exe()?.with_file_name("delta-load-peers-go");
    let built = Command::new("go").arg("build").arg("-o").arg(&program).arg(".").current_dir(&folder).status();
    match built {
        Ok(status) if status.success() => Ok(Some(program)),
        Ok(status) => Err(format!("go could not build the peers: {status}").into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn list(program: &Path) -> Result<Vec<Engine>, Failure> {
    let output = Command::new(program).arg("list").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} could not list its engines: {}", program.display(), output.status).into());
    }
    let out = String::from_utf8_lossy(&output.stdout);
    let engines = out.lines().filter_map(|line| {
        let engine: Value = serde_json::from_str(line).ok()?;
        Some(Engine { program: program.to_owned(), name: engine["engine"].as_str()?.to_owned() })
    });
    Ok(engines.collect())
}

#[cfg(test)]
mod tests {
    use super::measured;

    #[test]
    fn what_a_peer_found_is_read() {
        let drained = measured(
            r#"{"engine":"e","version":"1.2","scenario":"drain","items":100,"seconds":0.5,"settings":{"workers":4}}"#,
        )
        .unwrap();
        assert_eq!((drained.len(), drained[0].value, drained[0].unit), (1, 200.0, "items/s"));
        assert_eq!(drained[0].notes.get("workers").map(String::as_str), Some("4"));
        assert_eq!(drained[0].notes.get("version").map(String::as_str), Some("1.2"));
        let picked = measured(r#"{"version":"1","p50_ms":0.5,"p99_ms":2,"settings":{}}"#).unwrap();
        assert_eq!(
            picked.iter().map(|one| (one.metric.as_str(), one.value)).collect::<Vec<_>>(),
            [("p50", 0.5), ("p99", 2.0)]
        );
    }

    #[test]
    fn a_peer_that_found_nothing_is_an_error() {
        assert!(measured("{}").is_err());
        assert!(measured("").is_err());
    }
}
