//! A query as its database reads it, token by token: where texts and comments begin and end.

use super::server::Product;

/// How a database reads SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    MySql,
}

impl From<Product> for Dialect {
    fn from(product: Product) -> Self {
        match product {
            Product::Postgres => Self::Postgres,
            Product::MySql => Self::MySql,
        }
    }
}

impl Dialect {
    /// Whether `\` takes the next character with it in a text: the usual setting first, and then
    /// the other one, which only the server knows.
    pub(super) const fn escapes(self) -> &'static [bool] {
        match self {
            Self::Sqlite => &[false],
            Self::Postgres => &[false, true],
            Self::MySql => &[true, false],
        }
    }
}

/// A piece of a query; comments and white space are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, a number, or a name without quotes.
    Word(&'a str),
    /// A text, or a name in quotes.
    Quoted,
    /// What a program would give a value, such as `?` and `:id`.
    Parameter(&'a str),
    Symbol(char),
}

/// Takes a query apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    dialect: Dialect,
    escapes: bool,
}

impl<'a> Tokens<'a> {
    pub(super) const fn of(query: &'a str, dialect: Dialect, escapes: bool) -> Self {
        Self { rest: query, dialect, escapes }
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, String> {
        self.skip_blank()?;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        if is_word(first) {
            let word = self.take_while(|c| is_word(c) || c == '$');
            // The letter says that `\` escapes.
            let escapes = self.dialect == Dialect::Postgres && word.eq_ignore_ascii_case("e");
            if escapes && self.rest.starts_with('\'') {
                return self.quoted('\'', true).map(Some);
            }
            return Ok(Some(Token::Word(word)));
        }
        if let Some((close, escapes)) = self.quote(first) {
            return self.quoted(close, escapes).map(Some);
        }
        if let Some(tag) = self.dollar_tag() {
            return self.dollar_quoted(tag).map(Some);
        }
        Ok(Some(self.parameter(first).unwrap_or_else(|| {
            self.take(first.len_utf8());
            Token::Symbol(first)
        })))
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start();
            if self.begins_line_comment() {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn begins_line_comment(&self) -> bool {
        match self.dialect {
            Dialect::Sqlite | Dialect::Postgres => self.rest.starts_with("--"),
            Dialect::MySql => {
                let behind = self.rest.strip_prefix("--").map(|rest| rest.chars().next());
                let is_end =
                    |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || c.is_control());
                self.rest.starts_with('#') || behind.is_some_and(is_end)
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), String> {
        if self.dialect == Dialect::MySql
            && ["/*!", "/*M!"].iter().any(|c| self.rest.starts_with(c))
        {
            return Err("has a comment `/*!`, whose text some servers run: leave it out".to_owned());
        }
        let mut depth = 0_usize;
        loop {
            let at = self.rest.find(['/', '*']);
            let at = at.ok_or_else(|| "has a comment without its `*/`".to_owned())?;
            self.take(at);
            if self.rest.starts_with("/*") {
                // Only PostgreSQL nests them.
                depth = if self.dialect == Dialect::Postgres { depth + 1 } else { 1 };
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth = depth.saturating_sub(1);
                self.take(2);
                if depth == 0 {
                    return Ok(());
                }
            } else {
                self.take(1);
            }
        }
    }

    /// What closes a quote that this character opens, and whether `\` escapes in it.
    const fn quote(&self, open: char) -> Option<(char, bool)> {
        match (open, self.dialect) {
            ('\'', _) | ('"', Dialect::MySql) => Some((open, self.escapes)),
            ('"', _) | ('`', Dialect::Sqlite | Dialect::MySql) => Some((open, false)),
            ('[', Dialect::Sqlite) => Some((']', false)),
            _ => None,
        }
    }

    fn quoted(&mut self, close: char, escapes: bool) -> Result<Token<'a>, String> {
        self.take(1);
        let unclosed = || format!("lacks a closing `{close}`");
        loop {
            let at =
                self.rest.find(|c| c == close || (escapes && c == '\\')).ok_or_else(unclosed)?;
            self.take(at);
            if self.rest.starts_with('\\') {
                self.take(1);
                let next = self.rest.chars().next().ok_or_else(unclosed)?;
                self.take(next.len_utf8());
                continue;
            }
            self.take(1);
            // Two of them stand for one, except in brackets.
            if close == ']' || !self.rest.starts_with(close) {
                return Ok(Token::Quoted);
            }
            self.take(1);
        }
    }

    /// `$tag$`, if it stands here.
    fn dollar_tag(&self) -> Option<&'a str> {
        let name = self.rest.strip_prefix('$').filter(|_| self.dialect == Dialect::Postgres)?;
        let (tag, rest) = name.split_at_checked(name.find(|c| !is_word(c))?)?;
        let is_tag = rest.starts_with('$') && !tag.starts_with(|c: char| c.is_ascii_digit());
        self.rest.get(..tag.len() + 2).filter(|_| is_tag)
    }

    fn dollar_quoted(&mut self, tag: &'a str) -> Result<Token<'a>, String> {
        self.take(tag.len());
        let end = self.rest.find(tag).ok_or_else(|| format!("lacks a closing `{tag}`"))?;
        self.take(end + tag.len());
        Ok(Token::Quoted)
    }

    /// A parameter, if one stands here.
    fn parameter(&mut self, first: char) -> Option<Token<'a>> {
        let behind = self.rest.get(first.len_utf8()..)?;
        let named = behind.starts_with(is_word);
        let numbered = behind.starts_with(|c: char| c.is_ascii_digit());
        let is_one = match (first, self.dialect) {
            ('?', Dialect::Sqlite | Dialect::MySql) => true,
            (':' | '@' | '$', Dialect::Sqlite) => named,
            ('$', Dialect::Postgres) => numbered,
            (':', Dialect::Postgres | Dialect::MySql) => named && !numbered,
            _ => false,
        };
        if !is_one {
            // A cast, and no parameter behind its second colon.
            if behind.starts_with(':') && first == ':' {
                self.take(1);
            }
            return None;
        }
        let name = behind.find(|c| !is_word(c)).unwrap_or(behind.len());
        Some(Token::Parameter(self.take(first.len_utf8() + name)))
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Takes so many bytes, which end a character.
    fn take(&mut self, n: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(n).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
