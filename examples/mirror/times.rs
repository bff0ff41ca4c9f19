use rustix::fs::{Timespec, Timestamps, UTIME_OMIT};

use crate::entry::Moment;

/// Sets when a file was modified, and leaves alone when it was read.
pub(crate) fn modified(moment: Moment) -> Timestamps {
    let nanos = moment.nanos.into();
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: moment.seconds, tv_nsec: nanos },
    }
}
