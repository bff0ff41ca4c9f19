use std::process::{Command, Stdio};

use crate::failure::Failure;

/// A program that a command needs besides cargo.
pub(crate) struct Tool {
    /// Called with `--version` to see whether it is there.
    command: &'static [&'static str],
    /// How to get it.
    remedy: &'static str,
}

/// Compiles the C parts of SQLite and of TLS, and links.
pub(crate) const COMPILER: Tool = Tool {
    command: &["cc"],
    remedy: "install a C compiler (Debian: apt-get install build-essential; macOS: xcode-select --install)",
};

pub(crate) const FORMAT: Tool = Tool { command: &["cargo", "fmt"], remedy: "rustup component add rustfmt" };

pub(crate) const LINTS: Tool = Tool { command: &["cargo", "clippy"], remedy: "rustup component add clippy" };

/// Checks that all tools are there, and says how to get those that are not.
pub(crate) fn require(tools: &[Tool]) -> Result<(), Failure> {
    let missing: Vec<String> = tools
        .iter()
        .filter(|tool| !tool.is_there())
        .map(|tool| format!("`{}` is missing: {}", tool.command.join(" "), tool.remedy))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::Message(missing.join("; "))) }
}

impl Tool {
    fn is_there(&self) -> bool {
        Command::new(self.command[0])
            .args(&self.command[1..])
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Tool, require};

    #[test]
    fn a_missing_tool_is_named_with_its_remedy() {
        let missing = Tool { command: &["delta-no-such-program"], remedy: "install it" };
        let there = Tool { command: &["true"], remedy: "install it too" };
        match require(&[there, missing]) {
            Err(Failure::Message(message)) => {
                assert_eq!(message, "`delta-no-such-program` is missing: install it");
            }
            outcome => panic!("expected a message, found {outcome:?}"),
        }
    }
}
