//! [`Text`]: a value of a file, and what of it may be shown.

use std::fmt;

/// The longest text that is shown whole, in characters.
const SHOWN_AT_MOST: usize = 256;

/// A value as Fleet reads it. What variables stand for may be secret and is never shown: where one
/// is in the value, people see the value as it is written in the file, `$NAME` and all.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text {
    value: String,
    /// As it is written, where that is not the value.
    written: Option<String>,
}

impl Text {
    /// A value in which variables are replaced.
    pub fn expanded(value: impl Into<String>, written: impl Into<String>) -> Self {
        Self { value: value.into(), written: Some(written.into()) }
    }

    /// The value. Compare it; never print it.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What people may see of it.
    pub fn shown(&self) -> String {
        cut(self.written.as_deref().unwrap_or(&self.value))
    }

    /// A text that others wrote, without what must not be shown: a key, say, with a digest in it.
    pub fn keep_from(&self, text: &str) -> String {
        if self.is_literal() || self.value.is_empty() {
            return text.to_owned();
        }
        text.replace(&self.value, &self.shown())
    }

    /// Whether the value is what is written, with no variable in it.
    pub const fn is_literal(&self) -> bool {
        self.written.is_none()
    }
}

/// The beginning of a text that is too long to be read.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_AT_MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(value: T) -> Self {
        Self { value: value.into(), written: None }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_variable_stands_for_is_never_shown() {
        let text = Text::expanded("a SECRET", "a $NAME");
        assert_eq!((text.value(), text.shown().as_str()), ("a SECRET", "a $NAME"));
        assert_eq!(format!("{text:?}"), "\"a $NAME\"");
        assert!(!text.is_literal());
        assert_eq!(text.keep_from("no a SECRET at k/a SECRET"), "no a $NAME at k/a $NAME");
        assert_eq!(Text::expanded("", "$EMPTY").keep_from("as it is"), "as it is");
        assert_eq!(Text::from("é".repeat(300)).shown(), format!("{}…", "é".repeat(256)));
    }
}
