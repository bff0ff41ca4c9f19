use delta_core::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

/// 2000-01-01, from which Postgres counts, in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// 4714-11-24 BC, the first day that Postgres knows, in microseconds since 2000. The last, in 294276, is later than any
/// [`Timestamp`].
const EARLIEST: i64 = -211_813_488_000_000_000;

/// A time as a `timestamptz`, exact to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Moment(pub(super) Timestamp);

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        <chrono::DateTime<chrono::Utc> as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for Moment {
    fn array_type_info() -> PgTypeInfo {
        <[chrono::DateTime<chrono::Utc>] as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Moment {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0.as_micros().checked_sub(POSTGRES_EPOCH) {
            Some(micros) if micros >= EARLIEST => <i64 as Encode<Postgres>>::encode(micros, buffer),
            _ => Err(format!("expected a time since 4714 BC, found {} µs from 1970", self.0.as_micros()).into()),
        }
    }
}

impl Decode<'_, Postgres> for Moment {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("expected a time in binary, found text".into());
        }
        let micros = <i64 as Decode<Postgres>>::decode(value)?;
        // The two infinities are the ends of 64 bits, which no sum with the epoch can be.
        match micros.checked_add(POSTGRES_EPOCH) {
            Some(since_1970) if micros >= EARLIEST => Ok(Self(Timestamp::from_micros(since_1970))),
            _ => Err(format!("expected a time up to the year 294247, found {micros} µs from 2000").into()),
        }
    }
}
