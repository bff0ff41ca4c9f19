use std::fmt::Write;

/// Rows for a set-based statement: JSON texts of arrays of arrays, each short enough for the database.
#[derive(Debug, Default)]
pub(super) struct JsonRows {
    full: Vec<String>,
    open: String,
}

/// Far below the longest text that SQLite takes (a thousand million bytes), and enough for thousands of rows.
const CHUNK: usize = 8 << 20;

/// A row being written, closed when it is dropped.
pub(super) struct JsonRow<'a>(&'a mut String);

impl JsonRows {
    /// Begins a row.
    pub(super) fn row(&mut self) -> JsonRow<'_> {
        if self.open.len() > CHUNK {
            self.full.push(close(std::mem::take(&mut self.open)));
        }
        self.open.push_str(if self.open.is_empty() { "[[" } else { ",[" });
        JsonRow(&mut self.open)
    }

    /// The texts, in the order of their rows.
    pub(super) fn into_texts(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.full.push(close(self.open));
        }
        self.full
    }
}

fn close(mut text: String) -> String {
    text.push(']');
    text
}

impl JsonRow<'_> {
    fn next(&mut self) {
        if !self.0.ends_with('[') {
            self.0.push(',');
        }
    }

    pub(super) fn int(mut self, number: i64) -> Self {
        self.next();
        let _ = write!(self.0, "{number}");
        self
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.next();
        self.0.push_str(&quoted(text));
        self
    }

    pub(super) fn flag(self, flag: bool) -> Self {
        self.int(flag.into())
    }

    pub(super) fn null(mut self) -> Self {
        self.next();
        self.0.push_str("null");
        self
    }

    pub(super) fn int_or_null(self, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.int(number),
            None => self.null(),
        }
    }

    pub(super) fn text_or_null(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }
}

impl Drop for JsonRow<'_> {
    fn drop(&mut self) {
        self.0.push(']');
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A JSON array of numbers.
pub(super) fn ints(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::from("[");
    for number in numbers {
        let comma = if text.len() > 1 { "," } else { "" };
        let _ = write!(text, "{comma}{number}");
    }
    close(text)
}

/// A JSON array of texts.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_arrays_of_arrays() {
        assert!(JsonRows::default().into_texts().is_empty());
        let mut rows = JsonRows::default();
        drop(rows.row().int(i64::MIN).text("a\"\n\u{1}é").null().flag(true));
        drop(rows.row().int_or_null(None).text_or_null(Some("")));
        assert_eq!(rows.into_texts(), ["[[-9223372036854775808,\"a\\\"\\n\\u0001é\",null,1],[null,\"\"]]"]);
    }

    #[test]
    fn a_long_list_is_split_between_rows() {
        let mut rows = JsonRows::default();
        let long = "x".repeat(CHUNK);
        for number in 0..3 {
            drop(rows.row().int(number).text(&long));
        }
        let texts = rows.into_texts();
        assert_eq!(texts.len(), 3);
        assert!(texts[2].starts_with("[[2,\"x") && texts[2].ends_with("]]"));
    }

    #[test]
    fn lists_of_numbers_and_texts() {
        assert_eq!(ints([]), "[]");
        assert_eq!(ints([1, -2]), "[1,-2]");
        assert_eq!(texts(["a", "b\""]), r#"["a","b\""]"#);
    }
}
