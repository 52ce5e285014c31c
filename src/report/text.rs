//! Words, numbers and colors of everything that is written for people.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use bytesize::ByteSize;
use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{Table, presets};

use crate::model::Digest;

/// Rows that are shown of one kind: with its heading, about a screenful.
pub(super) const ROWS_AT_MOST: usize = 20;

/// Characters of a name or a list of names in a table.
const CELL_CHARS: usize = 48;

/// Whether escape sequences may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// The terminal shows colors.
    Always,
}

/// How text for people is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions<'a> {
    /// Whether it may be colored.
    pub color: Color,
    /// How restock was called, as the commands that are proposed begin: `restock`, or
    /// `restock -c DIR/restock.toml`.
    pub invocation: &'a str,
}

impl Default for TextOptions<'_> {
    fn default() -> Self {
        Self { color: Color::Never, invocation: "restock" }
    }
}

/// How much a piece of text matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Bad,
    Doubtful,
    Good,
    Heading,
}

impl TextOptions<'_> {
    /// The text in the color of its tone. Nothing is told by color alone.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        let style = match (self.color, tone) {
            (Color::Never, _) => return text.to_owned(),
            (Color::Always, Tone::Bad) => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
            (Color::Always, Tone::Doubtful) => {
                Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()))
            }
            (Color::Always, Tone::Good) => {
                Style::new().bold().fg_color(Some(AnsiColor::Green.into()))
            }
            (Color::Always, Tone::Heading) => Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// The text with everything spelled out that could steer a terminal or reorder what is read.
///
/// So is what a CI system that reads the log could take for a command: what begins with `::` is one
/// to GitHub's runners, and `##[` anywhere.
///
/// Names of files and keys of objects are written by strangers, and so is what servers say: whatever
/// people read of it passes through here.
pub fn escape(text: &str) -> Cow<'_, str> {
    let is_command = text.trim_start().starts_with(COMMAND) || text.contains(OLD_COMMAND);
    if !is_command && !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        let commands = match char {
            // One is enough, where another may come behind the text.
            COMMAND => safe.trim_start().is_empty(),
            '[' => safe.ends_with("##"),
            _ => false,
        };
        if commands {
            safe.extend(char.escape_unicode());
        } else if steers(char) {
            safe.extend(char.escape_default());
        } else {
            safe.push(char);
        }
    }
    Cow::Owned(safe)
}

/// [`escape`] for a text of several lines.
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// Begins a line that is a command.
const COMMAND: char = ':';

/// Is a command wherever it stands.
const OLD_COMMAND: &str = "##[";

/// Control characters (C0, DEL, C1), line separators, marks that turn the direction of text, what
/// is not seen at all, and what is no character.
fn steers(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(char, '\u{e0000}'..='\u{e007f}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(char) & 0xfffe == 0xfffe
}

/// A number with its noun in the right form: `1 object`, `2 objects`.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{n} {stem}ies"),
        _ => format!("{n} {noun}s"),
    }
}

/// A size as people read it, `12 B` or `1.5 GiB`.
pub fn bytes(n: u64) -> String {
    ByteSize::b(n).display().iec().to_string()
}

/// A time to the second.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The first twelve digits, enough to tell objects apart in a table.
pub(super) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(12).collect()
}

/// A dash for what is not known.
pub(super) fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// Names in one cell: as many as fit, then how many more.
pub(super) fn list(names: &[String]) -> String {
    let mut shown = String::new();
    let mut left = names.len();
    for name in names {
        let name = escape(name);
        if !shown.is_empty() && shown.chars().count() + name.chars().count() > CELL_CHARS {
            break;
        }
        let comma = if shown.is_empty() { "" } else { ", " };
        shown.push_str(comma);
        shown.push_str(&cut(&name));
        left -= 1;
    }
    match left {
        0 if shown.is_empty() => "-".to_owned(),
        0 => shown,
        _ => format!("{shown} +{left}"),
    }
}

fn cut(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(CELL_CHARS) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", name.get(..end).unwrap_or(name))),
    }
}

/// Phrases with commas between them, those of nothing left out.
pub(super) fn phrases<T: fmt::Display>(parts: impl IntoIterator<Item = T>) -> String {
    parts.into_iter().fold(String::new(), |mut all, part| {
        let comma = if all.is_empty() { "" } else { ", " };
        // Writing into a string cannot fail.
        write!(all, "{comma}{part}").unwrap_or_default();
        all
    })
}

/// Writes rows under a header, columns aligned, indented by two. Lines are never wrapped: the
/// last column may be long, and a terminal wraps it without breaking what is copied.
pub(super) fn grid<const N: usize>(
    out: &mut impl Write,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut grid = Table::new();
    grid.load_preset(presets::NOTHING);
    grid.set_header(header);
    grid.add_rows(rows);
    for line in grid.lines() {
        writeln!(out, " {}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        let hostile = "a\x1b[31mb\x07\r\n\u{9b}2J\u{202e}gpj.exe\u{2028}\u{7f}\t";
        let shown = escape(hostile);
        assert_eq!(shown, r"a\u{1b}[31mb\u{7}\r\n\u{9b}2J\u{202e}gpj.exe\u{2028}\u{7f}\t");
        assert!(matches!(escape("Ünïcode 包 name~%20"), Cow::Borrowed(_)));
        for odd in
            "\u{0}\u{85}\u{ad}\u{61c}\u{200e}\u{200f}\u{202a}\u{2066}\u{2069}\u{206f}\u{feff}\
                    \u{fffb}\u{fffe}\u{ffff}\u{fdd0}\u{1ffff}\u{e0041}\u{10fffe}"
                .chars()
        {
            let shown = escape(&odd.to_string()).into_owned();
            assert_eq!(shown, format!("\\u{{{:x}}}", u32::from(odd)));
        }
    }

    #[test]
    fn nothing_becomes_a_command_of_a_log_that_a_ci_system_reads() {
        for (text, shown) in [
            ("::add-mask::x", r"\u{3a}:add-mask::x"),
            (" \u{3000}::error::x", " \u{3000}\\u{3a}:error::x"),
            (":", r"\u{3a}"),
            ("a ##[group] b ###[x]", r"a ##\u{5b}group] b ###\u{5b}x]"),
            ("::1", r"\u{3a}:1"),
            ("[::1]:80 #[x] C:: a::b", "[::1]:80 #[x] C:: a::b"),
        ] {
            assert_eq!(escape(text), shown);
            assert_eq!(escape(&escape(text)), shown, "once is enough");
        }
        assert_eq!(escape_lines("a\n::b\n\rc\n"), "a\n\\u{3a}:b\n\\rc\n");
    }

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(count(1, "object"), "1 object");
        assert_eq!(count(0, "object"), "0 objects");
        assert_eq!(count(2, "foreign key"), "2 foreign keys");
        assert_eq!(count(3, "entry"), "3 entries");
    }

    #[test]
    fn long_lists_end_in_how_many_more() {
        let names: Vec<_> = (0..9).map(|i| format!("installer-{i}.pkg")).collect();
        assert_eq!(list(&names), "installer-0.pkg, installer-1.pkg, installer-2.pkg +6");
        assert_eq!(list(&[]), "-");
        let long = list(&["x".repeat(500)]);
        assert_eq!(long.chars().count(), CELL_CHARS + 1);
    }
}
