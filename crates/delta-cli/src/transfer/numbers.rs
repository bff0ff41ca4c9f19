use delta::Timestamp;
use delta::core::ObjectHash;

/// Times are written as microseconds since 1970: exact, whatever a database holds.
pub(super) fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}

pub(super) fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

pub(super) fn hash(digits: &str) -> Option<ObjectHash> {
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() || !digits.is_ascii() {
        return None;
    }
    for (number, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * number..2 * number + 2], 16).ok()?;
    }
    Some(ObjectHash::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_back_from_its_digits_and_from_nothing_else() {
        let of = ObjectHash::of("text");
        assert_eq!(hash(&of.to_string()), Some(of));
        for bad in ["", "00", &"é".repeat(32), &format!("{}zz", &of.to_string()[2..])] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }
}
