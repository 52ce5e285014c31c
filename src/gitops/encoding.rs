//! From the bytes of a file to its text, as far as Fleet's YAML parser takes them.

use super::tree::Tree;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A text, or the line from which on it is none, and why.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, (u32, String)> {
    let text = match bytes.get(..2) {
        Some([0xff, 0xfe]) => utf16(&bytes, u16::from_le_bytes)?,
        Some([0xfe, 0xff]) => utf16(&bytes, u16::from_be_bytes)?,
        Some(_) | None => String::from_utf8(bytes).map_err(|error| {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or(&[]);
            (line_of(good.split(|byte| *byte == b'\n').count()), not("UTF-8"))
        })?,
    };
    let text = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    Ok(without_tabs(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, (u32, String)> {
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        // Half a unit is none: a surrogate without its other half.
        _ => 0xd800,
    });
    let mut text = String::new();
    for read in char::decode_utf16(pairs) {
        match read {
            Ok(read) => text.push(read),
            Err(_) => return Err((line_of(text.split('\n').count()), not("UTF-16"))),
        }
    }
    Ok(text)
}

fn not(encoding: &str) -> String {
    format!("is not {encoding} from here on")
}

fn line_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Fleet's parser takes tabs behind the colon of a key, and ours does not: where that is what makes
/// a text unreadable, they are spaces. Nothing is moved by it.
fn without_tabs(text: String) -> String {
    if !text.contains('\t') || Tree::parse(&text).is_ok() {
        return text;
    }
    let mut behind_colon = false;
    let spaced = text.chars().map(|c| {
        let is_blank = matches!(c, ' ' | '\t');
        let replaced = if c == '\t' && behind_colon { ' ' } else { c };
        behind_colon = c == ':' || behind_colon && is_blank;
        replaced
    });
    let spaced: String = spaced.collect();
    // What is wrong with it still is told of the text as it is.
    if Tree::parse(&spaced).is_ok() { spaced } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn texts_with_a_byte_order_mark_are_read_by_it() {
        let text = "a: é𝄞\r\n";
        for bytes in [
            wide(text, u16::to_le_bytes),
            wide(text, u16::to_be_bytes),
            format!("\u{feff}{text}").into_bytes(),
            text.as_bytes().to_vec(),
        ] {
            assert_eq!(decode(bytes).unwrap(), text);
        }
        let mut half = wide("a\nb", u16::to_le_bytes);
        half.pop();
        assert_eq!(decode(half), Err((2, "is not UTF-16 from here on".to_owned())));
        assert_eq!(decode(b"a\n\xe9".to_vec()), Err((2, "is not UTF-8 from here on".to_owned())));
    }

    #[test]
    fn tabs_behind_a_colon_are_blanks_and_others_stay() {
        let read = |text: &str| decode(text.as_bytes().to_vec()).unwrap();
        assert_eq!(read("a:\tb\nc: \t d\n"), "a: b\nc:   d\n");
        assert_eq!(read("a:\n\tb: c\n"), "a:\n\tb: c\n", "it is wrong, and stays as it is");
        assert_eq!(read("a: 'b:\tc'\n"), "a: 'b:\tc'\n");
    }
}
