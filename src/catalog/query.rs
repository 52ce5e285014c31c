//! What a collection's query must look like before a database sees it: one SELECT that can stand
//! in the parentheses of restock's own.

/// Checks a query as text; the refusal completes "the query of collection `x` …".
///
/// Whatever would reach out of the wrapping parentheses is refused here, since `SQLite` runs
/// several statements in a row without a word.
pub(super) fn validate(query: &str) -> Result<(), String> {
    let shape = Shape::of(query)?;
    if shape.second_statement {
        return Err("holds more than one statement: write one SELECT without `;`".to_owned());
    }
    if shape.semicolon {
        return Err("ends in `;`: leave it out".to_owned());
    }
    match shape.first_word.to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" => {}
        "" => return Err("is no SELECT".to_owned()),
        word => return Err(format!("is no SELECT: it begins with `{word}`")),
    }
    match shape.depth {
        0 => Ok(()),
        _ => Err("has a `(` without its `)`".to_owned()),
    }
}

/// The query as the table of restock's own SELECT. The line break ends a trailing comment.
pub(super) fn wrap(columns: &str, query: &str, rest: &str) -> String {
    format!("SELECT {columns} FROM (\n{query}\n) AS q{rest}")
}

/// A name as an SQL identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("q.\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[derive(Default)]
struct Shape {
    first_word: String,
    first_word_ended: bool,
    depth: u32,
    semicolon: bool,
    second_statement: bool,
}

impl Shape {
    fn of(query: &str) -> Result<Self, String> {
        let mut shape = Self::default();
        let mut chars = query.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek().copied()) {
                ('-', Some('-')) => while chars.next_if(|c| *c != '\n').is_some() {},
                ('/', Some('*')) => skip_comment(&mut chars)?,
                (c, _) if c.is_whitespace() => {
                    shape.first_word_ended |= !shape.first_word.is_empty();
                }
                (';', _) => shape.semicolon = true,
                (c, _) => {
                    shape.take(c)?;
                    if let Some(close) = closing_quote(c) {
                        skip_quoted(&mut chars, close)?;
                    }
                }
            }
        }
        Ok(shape)
    }

    /// Notes a character outside comments, quotes and white space.
    fn take(&mut self, c: char) -> Result<(), String> {
        self.second_statement |= self.semicolon;
        match c {
            '(' => self.depth += 1,
            ')' => {
                self.depth = self
                    .depth
                    .checked_sub(1)
                    .ok_or_else(|| "has a `)` without its `(`".to_owned())?;
            }
            _ => {}
        }
        if c.is_alphanumeric() && !self.first_word_ended {
            self.first_word.push(c);
        } else {
            self.first_word_ended = true;
        }
        Ok(())
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn closing_quote(open: char) -> Option<char> {
    match open {
        '\'' | '"' | '`' => Some(open),
        '[' => Some(']'),
        _ => None,
    }
}

/// Skips to the closing quote. A doubled one closes and opens again, which comes to the same.
fn skip_quoted(chars: &mut Chars<'_>, close: char) -> Result<(), String> {
    chars
        .by_ref()
        .find(|c| *c == close)
        .map(drop)
        .ok_or_else(|| format!("lacks a closing `{close}`"))
}

fn skip_comment(chars: &mut Chars<'_>) -> Result<(), String> {
    chars.next();
    while let Some(c) = chars.next() {
        if c == '*' && chars.next_if_eq(&'/').is_some() {
            return Ok(());
        }
    }
    Err("has a comment without its `*/`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_select_passes_however_it_is_decorated() {
        for query in [
            "SELECT sha256 AS digest FROM packages",
            "  -- what we ship; all of it\n select a AS digest from t -- trailing; comment",
            "/* (;) */ WITH x AS (SELECT 1 AS digest) SELECT * FROM x",
            "SELECT ';)' AS digest, \";\" FROM [a;)] WHERE b = 'it''s (' AND (c IN (1, 2))",
            "SELECT a - -1 / 2 * 3 AS digest FROM t",
        ] {
            assert_eq!(validate(query), Ok(()), "{query}");
        }
    }

    #[test]
    fn what_could_leave_the_parentheses_is_refused_with_its_reason() {
        for (query, problem) in [
            ("", "is no SELECT"),
            ("-- nothing", "is no SELECT"),
            ("SELECT 1;", "ends in `;`: leave it out"),
            ("SELECT 1 ; -- end", "ends in `;`: leave it out"),
            ("SELECT 1; SELECT 2", "holds more than one statement: write one SELECT without `;`"),
            ("delete from t", "is no SELECT: it begins with `DELETE`"),
            ("PRAGMA user_version", "is no SELECT: it begins with `PRAGMA`"),
            ("SELECT 1) UNION SELECT * FROM (SELECT 2", "has a `)` without its `(`"),
            ("SELECT (1", "has a `(` without its `)`"),
            ("SELECT 'x", "lacks a closing `'`"),
            ("SELECT 1 /* open", "has a comment without its `*/`"),
        ] {
            assert_eq!(validate(query), Err(problem.to_owned()), "{query}");
        }
    }

    #[test]
    fn a_trailing_comment_does_not_swallow_the_parenthesis() {
        let sql = wrap("*", "SELECT 1 AS digest -- all", " LIMIT 0");
        assert_eq!(sql, "SELECT * FROM (\nSELECT 1 AS digest -- all\n) AS q LIMIT 0");
        assert_eq!(identifier("a\"b"), "q.\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
