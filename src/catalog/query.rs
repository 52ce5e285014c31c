//! What a collection's query must look like before a database sees it: one SELECT that can stand
//! in the parentheses of restock's own.

use super::tokens::{Dialect, Token, Tokens};

/// Checks a query as text; the refusal completes "the query of collection `x` …".
///
/// Whatever would reach out of the wrapping parentheses is refused here, since `SQLite` runs
/// several statements in a row without a word; and what no database would run without a program
/// that gives it values, or with the rights of a reader.
pub(super) fn validate(query: &str, dialect: Dialect) -> Result<(), String> {
    let mut refusal = None;
    for escapes in dialect.escapes() {
        match judge(Tokens::of(query, dialect, *escapes)) {
            Ok(()) => return Ok(()),
            Err(problem) => refusal = refusal.or(Some(problem)),
        }
    }
    refusal.map_or(Ok(()), Err)
}

fn judge(tokens: Tokens<'_>) -> Result<(), String> {
    let shape = Shape::of(tokens)?;
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
    match (shape.depth, shape.parameter) {
        (0, None) => Ok(()),
        (0, Some(name)) => Err(format!(
            "has the parameter `{name}`, to which nothing gives a value: write the value itself"
        )),
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

/// A function of `SQLite` that a reader may never call.
const LOAD_EXTENSION: &str = "load_extension";

#[derive(Default)]
struct Shape<'a> {
    first_word: &'a str,
    depth: u32,
    /// Open brackets, in which a colon is no parameter's.
    brackets: u32,
    semicolon: bool,
    second_statement: bool,
    parameter: Option<&'a str>,
}

impl<'a> Shape<'a> {
    fn of(mut tokens: Tokens<'a>) -> Result<Self, String> {
        let mut shape = Self::default();
        let mut before = None;
        while let Some(token) = tokens.next()? {
            if let (None, Token::Word(word)) = (before, token) {
                shape.first_word = word;
            }
            let is_call = token == Token::Symbol('(');
            if let (Some(Token::Word(word)), true) = (before, is_call)
                && word.eq_ignore_ascii_case(LOAD_EXTENSION)
            {
                return Err(format!("calls `{LOAD_EXTENSION}`, which no reader may: leave it out"));
            }
            shape.take(token)?;
            before = Some(token);
        }
        Ok(shape)
    }

    fn take(&mut self, token: Token<'a>) -> Result<(), String> {
        if token == Token::Symbol(';') {
            self.semicolon = true;
            return Ok(());
        }
        self.second_statement |= self.semicolon;
        match token {
            Token::Symbol('(') => self.depth += 1,
            Token::Symbol(')') => {
                let without = || "has a `)` without its `(`".to_owned();
                self.depth = self.depth.checked_sub(1).ok_or_else(without)?;
            }
            Token::Symbol('[') => self.brackets += 1,
            Token::Symbol(']') => self.brackets = self.brackets.saturating_sub(1),
            Token::Parameter(name) if self.brackets == 0 || !name.starts_with(':') => {
                self.parameter = self.parameter.or(Some(name));
            }
            Token::Word(_) | Token::Quoted | Token::Parameter(_) | Token::Symbol(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql];

    #[test]
    fn one_select_passes_however_it_is_decorated() {
        for query in [
            "SELECT sha256 AS digest FROM packages",
            "  -- what we ship; all of it\n select a AS digest from t -- trailing; comment",
            "/* (;) */ WITH x AS (SELECT 1 AS digest) SELECT * FROM x",
            "SELECT ';)' AS digest, \";\" FROM a WHERE b = 'it''s (' AND (c IN (1, 2))",
            "SELECT a - -1 / 2 * 3 AS digest FROM t",
            "SELECT '?' AS digest, ':id' AS \"$1\" FROM t WHERE b = '@x' -- ? :id $1",
        ] {
            for dialect in ALL {
                assert_eq!(validate(query, dialect), Ok(()), "{dialect:?}: {query}");
            }
        }
    }

    #[test]
    fn each_database_has_quotes_and_comments_of_its_own() {
        use Dialect::{MySql, Postgres, Sqlite};
        for (dialect, query) in [
            (Sqlite, "SELECT a$b AS digest FROM [a;)] WHERE b = 'a\\'"),
            (Sqlite, "SELECT `a)` AS digest FROM t"),
            (Postgres, r"SELECT E'\'' AS digest"),
            (Postgres, r"SELECT e'it''s \') ?' AS digest"),
            // Where both ways to read a text stand in one query, the letter tells.
            (Postgres, r"SELECT E'\'' AS digest, '\' AS name"),
            (Postgres, "SELECT $x$ ) $x$ AS digest"),
            (Postgres, "SELECT $$ ' ; ( $$ AS digest, $a$ $b$ $a$ AS name"),
            (Postgres, r"SELECT '\' AS digest"),
            (Postgres, r"SELECT 'it\'s' AS digest"),
            (Postgres, "SELECT a::text AS digest, b[1:n] FROM t WHERE c ? 'x' AND d ?| e"),
            (Postgres, "SELECT a /* ) /* ) */ ) */ AS digest FROM t"),
            (Postgres, "SELECT a AS digest FROM f(x := 1, y => 2)"),
            (MySql, r"SELECT 'it\'s' AS digest"),
            (MySql, "SELECT \"a \\\" )\" AS digest"),
            (MySql, "SELECT '\\' AS digest"),
            (MySql, "SELECT a AS digest FROM t # ) ; '"),
            (MySql, "SELECT 5--3 AS digest FROM (SELECT 1) AS x"),
            (MySql, "SELECT `a)` AS digest, @@version AS name FROM t"),
            (MySql, "SELECT /*+ MAX_EXECUTION_TIME(1) */ a AS digest FROM t"),
        ] {
            assert_eq!(validate(query, dialect), Ok(()), "{dialect:?}: {query}");
        }
        for (dialect, query, problem) in [
            (Sqlite, r"SELECT 'it\'s' AS digest", "lacks a closing `'`"),
            (Sqlite, "SELECT $x$ ) $x$", "has a `)` without its `(`"),
            (Postgres, "SELECT $x$ AS digest", "lacks a closing `$x$`"),
            (Postgres, "SELECT [a)] AS digest", "has a `)` without its `(`"),
            (Postgres, "SELECT a /* /* */ AS digest", "has a comment without its `*/`"),
            (MySql, "SELECT 5--3)", "has a `)` without its `(`"),
            (
                MySql,
                "SELECT 1 /*! ) */ AS digest",
                "has a comment `/*!`, whose text some servers run: leave it out",
            ),
            (
                Sqlite,
                "SELECT Load_Extension ('x') AS digest",
                "calls `load_extension`, which no reader may: leave it out",
            ),
        ] {
            assert_eq!(validate(query, dialect), Err(problem.to_owned()), "{dialect:?}: {query}");
        }
    }

    #[test]
    fn a_parameter_is_refused_by_its_name() {
        use Dialect::{MySql, Postgres, Sqlite};
        for (dialect, end, name) in [
            (Sqlite, "a = ?", "?"),
            (Sqlite, "a = ?12", "?12"),
            (Sqlite, "a = :id", ":id"),
            (Sqlite, "a = @id", "@id"),
            (Sqlite, "a = $id AND b = ?", "$id"),
            (Sqlite, "a = $1", "$1"),
            (Postgres, "a = $1", "$1"),
            (Postgres, "a=:id", ":id"),
            (Postgres, "a[1] = b::text AND c > :since", ":since"),
            (Postgres, "a[$1:2] = 1", "$1"),
            (MySql, "a = ?", "?"),
            (MySql, "a=:id", ":id"),
        ] {
            let problem = format!(
                "has the parameter `{name}`, to which nothing gives a value: write the value itself"
            );
            let query = format!("SELECT a AS digest FROM t WHERE {end}");
            assert_eq!(validate(&query, dialect), Err(problem), "{dialect:?}: {query}");
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
            for dialect in ALL {
                assert_eq!(validate(query, dialect), Err(problem.to_owned()), "{query}");
            }
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
