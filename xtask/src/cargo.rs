use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::Failure;

/// What cargo sets for the program that it runs. Handed on, some build scripts would see a change, and all that depends
/// on them would be compiled again by turns.
const OF_THIS_RUN: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];

/// The workspace with all its features, as every step but the check of single features builds it: nothing is compiled
/// twice.
pub(crate) const WHOLE: [&str; 2] = ["--workspace", "--all-features"];

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// A cargo command in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OF_THIS_RUN.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.current_dir(root()).args(arguments);
    command
}

/// Runs a command whose output the user sees.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(Failure::doing(format!("run {name}")))?;
    if status.success() { Ok(()) } else { Err(Failure::Status(status.code().unwrap_or(1))) }
}

/// The programs that a build of the tests has made.
#[derive(Debug)]
pub(crate) struct Built {
    examples: Vec<(String, PathBuf)>,
}

impl Built {
    /// Builds all tests and examples.
    pub(crate) fn tests() -> Result<Self, Failure> {
        let mut command = cargo(&["test", "--no-run", "--message-format=json-render-diagnostics"]);
        let mut child = command.args(WHOLE).stdout(Stdio::piped()).spawn().map_err(Failure::doing("run cargo"))?;
        let output = child.stdout.take().expect("the output is piped");
        let mut examples = vec![];
        for line in BufReader::new(output).lines() {
            let line = line.map_err(Failure::doing("read the output of cargo"))?;
            examples.extend(example(&line));
        }
        let status = child.wait().map_err(Failure::doing("wait for cargo"))?;
        if status.success() { Ok(Self { examples }) } else { Err(Failure::Status(status.code().unwrap_or(1))) }
    }

    /// The program of an example.
    pub(crate) fn example(&self, name: &str) -> Result<&Path, Failure> {
        let found = self.examples.iter().find(|(example, _)| example == name);
        found
            .map(|(_, path)| path.as_path())
            .ok_or_else(|| Failure::Message(format!("the workspace has no example called {name}")))
    }
}

/// The name and the program of an example, if this line of cargo's output is about one.
fn example(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    if message["reason"] != "compiler-artifact" || target["kind"][0] != "example" {
        return None;
    }
    Some((target["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
}

/// What `cargo metadata` says about the workspace.
pub(crate) struct Metadata(Value);

impl Metadata {
    pub(crate) fn read() -> Result<Self, Failure> {
        let output = cargo(&["metadata", "--no-deps", "--format-version=1"])
            .stderr(Stdio::inherit())
            .output()
            .map_err(Failure::doing("run cargo metadata"))?;
        if !output.status.success() {
            return Err(Failure::Status(output.status.code().unwrap_or(1)));
        }
        serde_json::from_slice(&output.stdout).map(Self).map_err(Failure::doing("read the output of cargo metadata"))
    }

    /// Where cargo writes.
    pub(crate) fn target(&self) -> PathBuf {
        self.0["target_directory"].as_str().unwrap_or("target").into()
    }

    /// The packages of the workspace, with the features of each but `default`.
    pub(crate) fn packages(&self) -> Vec<(String, Vec<String>)> {
        let packages = self.0["packages"].as_array().into_iter().flatten();
        packages
            .filter_map(|package| {
                let features = package["features"].as_object()?.keys().filter(|name| *name != "default");
                Some((package["name"].as_str()?.to_owned(), features.cloned().collect()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Metadata, example};

    #[test]
    fn the_features_of_packages_are_all_but_the_default() {
        let metadata = json!({ "packages": [
            { "name": "a", "features": { "default": ["x"], "x": [], "y": [] } },
            { "name": "b", "features": {} },
        ] });
        let expected = [("a".to_owned(), vec!["x".to_owned(), "y".to_owned()]), ("b".to_owned(), vec![])];
        assert_eq!(Metadata(metadata).packages(), expected);
    }

    #[test]
    fn an_example_is_found_in_the_output_of_cargo() {
        let line =
            r#"{"reason":"compiler-artifact","target":{"kind":["example"],"name":"mirror"},"executable":"/t/mirror"}"#;
        assert_eq!(example(line), Some(("mirror".to_owned(), "/t/mirror".into())));
    }

    #[test]
    fn what_is_no_example_is_passed_over() {
        for line in [
            "plain text",
            r#"{"reason":"build-finished","success":true}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"mirror"},"executable":"/t/mirror"}"#,
        ] {
            assert_eq!(example(line), None, "{line}");
        }
    }
}
