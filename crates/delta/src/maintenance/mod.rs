//! What the leader does.

use crate::client::AnyClient;
use crate::client::Stop;

pub(crate) fn start(client: &AnyClient, stop: &Stop) {
    let _ = (client, stop);
}
