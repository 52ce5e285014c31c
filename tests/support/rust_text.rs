//! Rust source as text: what of it is code, and which paths it names.

/// The code alone: comments are gone, and strings and characters are empty.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = if rest.starts_with("//") {
            ("", rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            ("", block_comment(rest))
        } else if let Some(length) = raw_string(rest, out.chars().last()) {
            ("\"\"", length)
        } else if first == '"' {
            ("\"\"", quoted(rest, '"'))
        } else if first == '\'' && is_char(rest) {
            ("''", quoted(rest, '\''))
        } else {
            (&rest[..first.len_utf8()], first.len_utf8())
        };
        out.push_str(kept);
        rest = &rest[length..];
    }
    out
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    for (at, _) in text.char_indices() {
        if text[at..].starts_with("/*") {
            depth += 1;
        } else if at > 1 && text[..at].ends_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    text.len()
}

fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    let opening = text.strip_prefix('r')?;
    let marks = opening.len() - opening.trim_start_matches('#').len();
    let is_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && before != Some('b');
    let body = opening[marks..].strip_prefix('"').filter(|_| !is_name)?;
    let closing = format!("\"{}", "#".repeat(marks));
    let end = body.find(&closing).map_or(body.len(), |at| at + closing.len());
    Some(text.len() - body.len() + end)
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a quote begins a character and no lifetime.
fn is_char(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

/// Every path that starts with `root`, groups in braces taken apart: `std::{fs, env::var}` names
/// `std::fs` and `std::env::var`.
pub(crate) fn paths(code: &str, root: &str) -> Vec<String> {
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&start) {
        let inside = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if !inside {
            let (tree, _) = tree(&code[at + start.len()..]);
            found.extend(tree.into_iter().map(|path| format!("{start}{path}")));
        }
    }
    found
}

/// The paths of one `use` tree, and what follows it.
fn tree(text: &str) -> (Vec<String>, &str) {
    let text = text.trim_start();
    let Some(mut rest) = text.strip_prefix('{') else {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let Some(below) = rest.strip_prefix("::").filter(|below| !below.starts_with('<')) else {
            return (vec![name.to_owned()], rest);
        };
        let (paths, rest) = tree(below);
        return (paths.into_iter().map(|path| format!("{name}::{path}")).collect(), rest);
    };
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() || rest.starts_with('}') {
            return (found, rest.get(1..).unwrap_or(""));
        }
        let (paths, after) = tree(rest);
        found.extend(paths);
        // Past an `as NAME`, or whatever else no tree has.
        rest = after.trim_start_matches(|c: char| c != ',' && c != '}');
    }
}
