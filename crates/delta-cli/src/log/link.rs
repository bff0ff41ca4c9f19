/// A store, and a connection to it.
pub(crate) struct Link<'a, S: delta::Store> {
    pub(crate) store: &'a S,
    pub(crate) conn: &'a mut S::Conn,
}
