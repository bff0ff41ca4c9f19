use delta_core::{AttemptError, EventDraft};

use super::query::Query;
use super::templates::position;

type Bound<'q> = Query<'q>;

/// Whether the statement that writes rows appends their events, or one after it does so for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Append {
    Here,
    Later,
}

/// Drafts of events as arrays.
#[derive(Default)]
pub(super) struct Drafts {
    template: Vec<i64>,
    moved: Vec<bool>,
    number: Vec<i64>,
    kind: Vec<&'static str>,
    reason: Vec<Option<&'static str>>,
    generation: Vec<Option<i64>>,
    attempt: Vec<Option<i64>>,
    with_object: Vec<bool>,
}

impl Drafts {
    /// Adds the drafts of a template, or, where there are none, of a row by its id.
    pub(super) fn add(&mut self, template: i64, moved: bool, drafts: impl IntoIterator<Item = EventDraft>) {
        for (number, draft) in drafts.into_iter().enumerate() {
            self.template.push(template);
            self.moved.push(moved);
            self.number.push(position(number));
            self.kind.push(draft.kind.as_str());
            self.reason.push(draft.kind.reason().map(delta_core::Reason::as_str));
            self.generation.push(draft.generation);
            self.attempt.push(draft.attempt);
            self.with_object.push(draft.with_object);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.template.is_empty()
    }

    /// Templates, moved, numbers, and what they say.
    pub(super) fn bind_settled(self, query: Bound<'_>) -> Bound<'_> {
        let query = query.bind(self.template).bind(self.moved).bind(self.number).bind(self.kind);
        query.bind(self.reason).bind(self.generation).bind(self.attempt).bind(self.with_object)
    }

    /// Templates, numbers, and what they say.
    pub(super) fn bind_written(self, query: Bound<'_>) -> Bound<'_> {
        let query = query.bind(self.template).bind(self.number).bind(self.kind);
        query.bind(self.reason).bind(self.generation).bind(self.attempt).bind(self.with_object)
    }

    /// Ids, and what they say.
    pub(super) fn bind_by_id(self, query: Bound<'_>) -> Bound<'_> {
        let query = query.bind(self.template).bind(self.kind);
        query.bind(self.reason).bind(self.generation).bind(self.attempt).bind(self.with_object)
    }
}

/// Errors of changes as arrays, one place for each change.
#[derive(Default)]
pub(super) struct Errors<'a>(Vec<Option<&'a AttemptError>>);

impl<'a> Errors<'a> {
    /// Adds the place of the next change.
    pub(super) fn push(&mut self, error: Option<&'a AttemptError>) {
        self.0.push(error);
    }

    /// Whether no change has an error.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    fn column<T>(&self, mut value: impl FnMut(&'a AttemptError) -> T) -> Vec<Option<T>> {
        self.0.iter().map(|error| error.map(&mut value)).collect()
    }

    /// Times, generations, attempts, messages, backtraces.
    pub(super) fn bind(&self, query: Bound<'a>) -> Bound<'a> {
        let query = query.bind(self.column(|error| error.at)).bind(self.column(|error| error.generation));
        let query = query.bind(self.column(|error| error.attempt)).bind(self.column(|error| error.message.as_str()));
        query.bind(self.0.iter().map(|error| error.and_then(|error| error.backtrace.as_deref())).collect::<Vec<_>>())
    }
}

/// Tags as the text of an array.
pub(super) fn tags_text(tags: &[String]) -> String {
    let mut text = String::from("{");
    for tag in tags {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(&tag.replace('\\', "\\\\").replace('"', "\\\""));
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_quoted() {
        let tags = |tags: &[&str]| tags_text(&tags.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(tags(&[]), "{}");
        assert_eq!(tags(&["vip", "null"]), r#"{"vip","null"}"#);
        assert_eq!(tags(&[r#"a"b\c"#]), r#"{"a\"b\\c"}"#);
    }
}
