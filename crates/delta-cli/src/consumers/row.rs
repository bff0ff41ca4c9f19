use delta::core::Cursor;
use delta::core::plan::consume::Standing;
use delta::{Error, Position};

/// The cursor of a consumer, or of one of its slices.
#[derive(Debug)]
pub(crate) struct Row {
    /// As it is stored.
    pub(crate) cursor: Cursor,
    /// What it says; nothing before the consumer has first run.
    pub(crate) standing: Result<Option<Standing>, Error>,
}

impl Row {
    pub(super) fn new(cursor: Cursor) -> Self {
        let standing = Standing::of(&cursor);
        Self { cursor, standing }
    }

    pub(crate) fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref().ok()?.as_ref()
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.standing()?.position
    }
}
