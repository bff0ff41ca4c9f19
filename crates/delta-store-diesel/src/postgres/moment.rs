use delta_core::Timestamp;
use delta_sql::driver::RowError;
use diesel::pg::data_types::PgTimestamp;

/// 2000-01-01, from which Postgres counts, in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// 4714-11-24 BC, the first day that Postgres knows, in microseconds since 2000. The last, in 294276, is later than any
/// [`Timestamp`].
const EARLIEST: i64 = -211_813_488_000_000_000;

/// A time as a `timestamptz`, exact to the microsecond.
pub(super) fn encode(time: Timestamp) -> Result<PgTimestamp, String> {
    match time.as_micros().checked_sub(POSTGRES_EPOCH) {
        Some(micros) if micros >= EARLIEST => Ok(PgTimestamp(micros)),
        _ => Err(format!("expected a time since 4714 BC, found {} µs from 1970", time.as_micros())),
    }
}

/// The time that a `timestamptz` is, in the server's microseconds.
pub(super) fn decode(micros: i64) -> Result<Timestamp, RowError> {
    // The two infinities are the ends of 64 bits, which no sum with the epoch can be.
    match micros.checked_add(POSTGRES_EPOCH) {
        Some(since_1970) if micros >= EARLIEST => Ok(Timestamp::from_micros(since_1970)),
        _ => Err(format!("expected a time up to the year 294247, found {micros} µs from 2000").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_and_come_back_over_the_range_of_both() {
        for micros in [EARLIEST + POSTGRES_EPOCH, -1, 0, 1, POSTGRES_EPOCH, i64::MAX] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(decode(encode(time).unwrap().0).unwrap(), time);
        }
        for micros in [i64::MIN, EARLIEST + POSTGRES_EPOCH - 1] {
            encode(Timestamp::from_micros(micros)).unwrap_err();
        }
        for infinite in [i64::MIN, i64::MAX] {
            decode(infinite).unwrap_err();
        }
    }
}
