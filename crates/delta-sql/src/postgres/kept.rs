use std::sync::{Arc, PoisonError, RwLock};

/// How many are kept: more than a program has tables, and few enough to look through.
const MOST: usize = 128;

/// What was rendered for the tables of an application, so that each is rendered once.
#[derive(Debug)]
pub(super) struct Kept<T, R>(RwLock<Vec<(T, Arc<R>)>>);

impl<T, R> Default for Kept<T, R> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone + PartialEq, R> Kept<T, R> {
    /// What belongs to a table.
    pub(super) fn of(&self, table: &T, render: impl FnOnce() -> R) -> Arc<R> {
        let find =
            |kept: &[(T, Arc<R>)]| kept.iter().find(|(known, _)| known == table).map(|(_, rendered)| rendered.clone());
        if let Some(found) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = find(&kept) {
            return found;
        }
        if kept.len() >= MOST {
            kept.remove(0);
        }
        let rendered = Arc::new(render());
        kept.push((table.clone(), rendered.clone()));
        rendered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_rendered_once_and_the_oldest_is_forgotten() {
        let kept = Kept::default();
        let first = kept.of(&0, || 0);
        assert!(Arc::ptr_eq(&first, &kept.of(&0, || unreachable!("it is known"))));
        for table in 1..=MOST {
            kept.of(&table, || table);
        }
        assert_eq!(kept.0.read().unwrap().len(), MOST);
        assert!(!Arc::ptr_eq(&first, &kept.of(&0, || 0)));
    }
}
