//! Texts of strangers: a server's, a database's, a manifest's. They may be of any length, and are
//! cut where they are made, before a log, a report or a ledger multiplies them.

use std::borrow::Cow;

/// The most bytes of a text of strangers that are kept.
pub const FOREIGN_BYTES: usize = 1024;

/// The most bytes of a URL that is asked: servers take no longer ones either.
pub const URL_BYTES: usize = 8 * 1024;

/// What stands for the rest of a text.
const REST: &str = "…";

/// The text, of which no more than [`FOREIGN_BYTES`] are left.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= FOREIGN_BYTES {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(FOREIGN_BYTES - REST.len());
    Cow::Owned(format!("{}{REST}", text.get(..end).unwrap_or("")))
}

/// The same of a text that nobody else holds.
pub fn cut_owned(text: String) -> String {
    match cut(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters_and_shows_that_it_was() {
        for (text, bytes) in [
            (String::new(), 0),
            ("x".repeat(FOREIGN_BYTES), FOREIGN_BYTES),
            ("x".repeat(FOREIGN_BYTES + 1), FOREIGN_BYTES),
            ("é".repeat(FOREIGN_BYTES), FOREIGN_BYTES - 1),
        ] {
            let short = cut_owned(text.clone());
            assert_eq!(short.len(), bytes);
            assert_eq!(short == text, !short.ends_with(REST));
        }
    }
}
