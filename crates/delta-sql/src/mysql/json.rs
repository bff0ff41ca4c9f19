use std::fmt::Write;

/// Rows of small values as JSON arrays of arrays, which statements take apart with `JSON_TABLE`.
///
/// Integers, names, and bytes in hexadecimal: nothing that needs an escape, for the servers do not agree on all of them.
/// One text is at most about a megabyte long, well below what a server takes as one packet.
#[derive(Debug, Default)]
pub(super) struct Json {
    texts: Vec<String>,
}

const MOST: usize = 1 << 20;

impl Json {
    /// Adds a row.
    pub(super) fn row(&mut self, fill: impl for<'a, 't> FnOnce(&'a mut JsonRow<'t>) -> &'a mut JsonRow<'t>) {
        match self.texts.last_mut() {
            Some(text) if text.len() < MOST => text.push_str(",["),
            _ => self.texts.push("[[".to_owned()),
        }
        if let Some(text) = self.texts.last_mut() {
            fill(&mut JsonRow { text, first: true });
            text.push(']');
        }
    }

    /// The texts, each with some of the rows; none if there are no rows.
    pub(super) fn into_texts(mut self) -> Vec<String> {
        self.texts.iter_mut().for_each(|text| text.push(']'));
        self.texts
    }
}

/// A row that is being filled.
#[derive(Debug)]
pub(super) struct JsonRow<'t> {
    text: &'t mut String,
    first: bool,
}

impl JsonRow<'_> {
    fn next(&mut self) -> &mut String {
        if !std::mem::replace(&mut self.first, false) {
            self.text.push(',');
        }
        self.text
    }

    pub(super) fn int(&mut self, value: i64) -> &mut Self {
        let _ = write!(self.next(), "{value}");
        self
    }

    /// A text that has neither quotes nor backslashes nor what is not ASCII.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.next(), "\"{name}\"");
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let text = self.next();
        text.push('"');
        for byte in bytes {
            let _ = write!(text, "{byte:02X}");
        }
        text.push('"');
        self
    }
}

/// Ids in ascending order, each once.
pub(super) fn ids(ids: impl IntoIterator<Item = i64>) -> Vec<String> {
    let mut ids: Vec<i64> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut list = Json::default();
    for id in ids {
        list.row(|row| row.int(id));
    }
    list.into_texts()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_arrays_in_one_text() {
        let mut list = Json::default();
        list.row(|row| row.int(-7).name("eu").bytes("ä\"".as_bytes()));
        list.row(|row| row.int(i64::MIN));
        assert_eq!(list.into_texts(), ["[[-7,\"eu\",\"C3A422\"],[-9223372036854775808]]"]);
        assert!(Json::default().into_texts().is_empty());
    }

    #[test]
    fn ids_stand_in_order_and_once() {
        assert_eq!(ids([3, 1, 3, 2]), ["[[1],[2],[3]]"]);
    }

    #[test]
    fn a_long_list_becomes_several_texts() {
        let texts = ids(0..400_000);
        assert!(texts.len() > 1 && texts.iter().all(|text| text.len() < MOST + 100));
        assert!(texts.iter().all(|text| text.starts_with("[[") && text.ends_with("]]")));
    }
}
