//! HTML as text: whatever comes from elsewhere is escaped.

use std::fmt;

/// Text for an element or an attribute in double quotes. Names of files are written by strangers:
/// neither markup nor marks that turn the direction of text survive.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in crate::report::escape(self.0).chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

/// A table: a header, and rows of cells that are HTML already.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let cells = |cells: [String; N], tag: &str| {
        let cells = cells.map(|cell| format!("<{tag}>{cell}</{tag}>"));
        format!("<tr>{}</tr>\n", cells.concat())
    };
    let head = cells(header.map(|name| Escaped(name).to_string()), "th");
    let body: String = rows.into_iter().map(|row| cells(row, "td")).collect();
    format!("<table>\n<thead>{head}</thead>\n<tbody>\n{body}</tbody>\n</table>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_survives() {
        let hostile = "<script>alert('x')</script>&\"\u{202e}gpj.exe";
        let shown = Escaped(hostile).to_string();
        assert_eq!(
            shown,
            r"&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\u{202e}gpj.exe"
        );
    }
}
