//! Values as MySQL sends them: all as text, and bytes as they are.

use sqlx::mysql::{MySql, MySqlRow, MySqlTypeInfo};
use sqlx::{Decode, Row, Type, TypeInfo, ValueRef};

use crate::catalog::cell::Cell;
use crate::catalog::engine::Holds;

/// What a column of this type can be compared with.
pub(super) fn holds(column: &MySqlTypeInfo) -> Holds {
    match (is_string(column), is_text(column)) {
        (true, true) => Holds::Text,
        (true, false) => Holds::Bytes,
        (false, _) => Holds::Other,
    }
}

/// A value, whatever its type.
pub(super) fn of(row: &MySqlRow, index: usize) -> Cell<'_> {
    let Ok(value) = row.try_get_raw(index) else { return Cell::UNREAD };
    if value.is_null() {
        return Cell::Null;
    }
    let kind = match &*value.type_info() {
        column if is_string(column) && is_text(column) => Kind::Text,
        column if is_string(column) => Kind::Bytes,
        column => match column.name() {
            "BIT" => Kind::Bits,
            "GEOMETRY" => Kind::Bytes,
            _ => Kind::Text,
        },
    };
    let Ok(bytes) = <&[u8] as Decode<'_, MySql>>::decode(value) else { return Cell::UNREAD };
    match kind {
        Kind::Text => str::from_utf8(bytes).map_or(Cell::Garbled(bytes), Cell::Text),
        Kind::Bytes => Cell::Bytes(bytes.into()),
        Kind::Bits => bits(bytes).map_or(Cell::Bytes(bytes.into()), Cell::Integer),
    }
}

enum Kind {
    Text,
    Bytes,
    Bits,
}

/// Whether it is a CHAR, VARCHAR or TEXT, or one of their likes that hold bytes.
fn is_string(column: &MySqlTypeInfo) -> bool {
    <[u8] as Type<MySql>>::compatible(column)
}

/// Whether it has a character set. The flag `BINARY` says otherwise of texts that are compared
/// byte by byte.
fn is_text(column: &MySqlTypeInfo) -> bool {
    <str as Type<MySql>>::compatible(column)
}

/// The number that some bits are.
fn bits(bytes: &[u8]) -> Option<i64> {
    let mut whole = [0; 8];
    whole.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(i64::from_be_bytes(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_a_number() {
        assert_eq!(bits(&[]), Some(0));
        assert_eq!(bits(&[1]), Some(1));
        assert_eq!(bits(&[1, 2]), Some(258));
        assert_eq!(bits(&[0; 9]), None);
    }
}
