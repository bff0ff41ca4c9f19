/// What many rows of a statement have in common, once each; rows name it by its number, from 1.
pub(super) struct Templates<T>(Vec<T>);

/// How many of the last templates a new row is compared with. Rows that share one mostly follow each other; one too many
/// costs a few bytes.
const RECENT: usize = 8;

impl<T: PartialEq> Templates<T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// The number of a template, and whether it is new.
    pub(super) fn number(&mut self, template: T) -> (i64, bool) {
        let recent = self.0.len().saturating_sub(RECENT);
        let found = self.0[recent..].iter().rposition(|known| *known == template);
        let number = found.map_or(self.0.len(), |found| recent + found);
        if found.is_none() {
            self.0.push(template);
        }
        (position(number) + 1, found.is_none())
    }

    /// One value of each, in their order.
    pub(super) fn column<'a, V>(&'a self, value: impl FnMut(&'a T) -> V) -> Vec<V> {
        self.0.iter().map(value).collect()
    }
}

/// A place in a changeset as a parameter.
pub(super) fn position(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_share_a_template_and_others_do_not() {
        let mut templates = Templates::new();
        let numbers: Vec<_> = ["a", "b", "a", "c", "b"].map(|text| templates.number(text).0).to_vec();
        assert_eq!(numbers, [1, 2, 1, 3, 2]);
        assert_eq!(templates.column(|text| *text), ["a", "b", "c"]);
    }

    #[test]
    fn many_different_rows_are_not_compared_with_all_before() {
        let mut templates = Templates::new();
        for number in 0..100 {
            assert_eq!(templates.number(number), (number + 1, true));
        }
        assert_eq!(templates.number(0), (101, true));
    }
}
