use clap::Args;
use delta::core::State;
use delta::{Filter, Name, Names};

use crate::failure::Failure;

/// Which resources. Several values of one option join by "or", options by "and".
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FilterArguments {
    /// Of this namespace; may be repeated.
    #[arg(long, value_name = "NAME")]
    namespace: Vec<String>,

    /// Of this kind; may be repeated.
    #[arg(long, value_name = "NAME")]
    kind: Vec<String>,

    /// In this state; may be repeated.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<State>,

    /// With this tag.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,

    /// Whose object id begins so.
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,

    /// Only paused ones (true), or only others (false).
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    paused: Option<bool>,
}

impl FilterArguments {
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        Ok(Filter {
            namespaces: names(&self.namespace)?,
            kinds: names(&self.kind)?,
            states: self.state.clone(),
            tag: self.tag.clone(),
            object_id_prefix: self.prefix.clone(),
            paused: self.paused,
        })
    }

    /// Whether anything was asked for.
    pub(crate) fn is_given(&self) -> bool {
        !(self.namespace.is_empty() && self.kind.is_empty() && self.state.is_empty())
            || self.tag.is_some()
            || self.prefix.is_some()
            || self.paused.is_some()
    }
}

/// All names, or those that were given.
pub(crate) fn names(given: &[String]) -> Result<Names, Failure> {
    if given.is_empty() {
        return Ok(Names::All);
    }
    Ok(Names::Only(given.iter().map(Name::new).collect::<Result<_, _>>()?))
}

fn state(text: &str) -> Result<State, String> {
    match State::from(text) {
        State::Unknown(_) => {
            let known: Vec<_> = State::KNOWN.iter().map(State::as_str).collect();
            Err(format!("expected one of {}", known.join(", ")))
        }
        state => Ok(state),
    }
}
