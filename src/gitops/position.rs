//! [`Positions`]: from characters of a text that was read to lines of the file as it is.

/// A part of a text, and where it stood before variables were replaced. Counted in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    begin: usize,
    was: usize,
    /// Whether the characters are the same; of what was put in for a variable, all stand where the
    /// variable stood.
    verbatim: bool,
}

impl Piece {
    pub(super) const fn verbatim(begin: usize, was: usize) -> Self {
        Self { begin, was, verbatim: true }
    }

    pub(super) const fn replaced(begin: usize, was: usize) -> Self {
        Self { begin, was, verbatim: false }
    }
}

/// The lines of a file, and what was replaced in it.
#[derive(Debug)]
pub(super) struct Positions<'t> {
    original: &'t str,
    /// Where each line begins: so many characters into the file.
    lines: Vec<usize>,
    /// Where each [`STEP`]th character begins, in bytes.
    steps: Vec<usize>,
    pieces: Vec<Piece>,
}

/// Characters between two places that are known in bytes: one is found without going through the
/// whole file.
const STEP: usize = 256;

impl<'t> Positions<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        // What ends a file is no line of it: nobody could be shown there.
        let text = original.strip_suffix('\n').unwrap_or(original);
        let ends = text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
        Self {
            original,
            lines: std::iter::once(0).chain(ends).collect(),
            steps: original.char_indices().step_by(STEP).map(|(at, _)| at).collect(),
            pieces: Vec::new(),
        }
    }

    #[must_use]
    pub(super) fn expanded(self, pieces: Vec<Piece>) -> Self {
        Self { pieces, ..self }
    }

    /// Line and column of a character of the text that was read, both counted from 1.
    pub(super) fn of(&self, at: usize) -> (u32, u32) {
        self.of_original(self.original(at))
    }

    /// Where a character of the text that was read stood in the file.
    fn original(&self, at: usize) -> usize {
        let after = self.pieces.partition_point(|piece| piece.begin <= at);
        let piece = after.checked_sub(1).and_then(|last| self.pieces.get(last));
        match piece {
            None => at,
            Some(piece) if piece.verbatim => piece.was + (at - piece.begin),
            Some(piece) => piece.was,
        }
    }

    /// Line and column of a character of the file.
    pub(super) fn of_original(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|begin| *begin <= at).max(1);
        let begin = self.lines.get(line - 1).copied().unwrap_or(0);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (number(line), number(at - begin + 1))
    }

    /// What stands in the line of the file before a character of the text that was read.
    pub(super) fn line_before(&self, at: usize) -> &'t str {
        let at = self.original(at);
        let line = self.lines.partition_point(|begin| *begin <= at).max(1);
        let begin = self.lines.get(line - 1).copied().unwrap_or(0);
        self.original.get(self.byte(begin)..self.byte(at)).unwrap_or("")
    }

    /// A part of the text that was read as it is written in the file; `None` where it is the same,
    /// with nothing replaced in it or beside it.
    pub(super) fn written(&self, begin: usize, end: usize) -> Option<&'t str> {
        // Each replaced piece is followed by a verbatim one, which begins where it ends.
        let first = self.pieces.partition_point(|piece| piece.begin < begin).saturating_sub(1);
        let touching = self.pieces.iter().enumerate().skip(first);
        let touching = touching.take_while(|(_, piece)| piece.begin <= end);
        let (last, _) = touching.filter(|(_, piece)| !piece.verbatim).last()?;
        // Where the part ends in what was put in for a variable, all of the variable belongs to it.
        let end = match self.pieces.get(last + 1) {
            Some(behind) if behind.begin >= end => behind.was,
            Some(_) | None => self.original(end),
        };
        let (begin, end) = (self.byte(self.original(begin)), self.byte(end));
        self.original.get(begin..end)
    }

    /// Where a character of the file begins, in bytes.
    fn byte(&self, at: usize) -> usize {
        let Some(step) = self.steps.get(at / STEP).copied() else { return self.original.len() };
        let rest = self.original.get(step..).unwrap_or("");
        let further = rest.char_indices().nth(at % STEP).map(|(further, _)| further);
        further.map_or(self.original.len(), |further| step + further)
    }
}

#[cfg(test)]
mod tests {
    use super::super::expand::expand;
    use super::*;

    #[test]
    fn lines_and_columns_are_those_of_the_file_whatever_was_put_in() {
        let original = "é: $LINES $A\r\n  x: \\$y z\n";
        let variable = |name: &str| Some(if name == "A" { "" } else { "1\n2\n3" }.to_owned());
        let expanded = expand(original, &variable).unwrap();
        assert_eq!(expanded.text, "é: 1\n2\n3 \r\n  x: $y z\n");
        let positions = Positions::new(original).expanded(expanded.pieces);
        let at = |needle: &str| {
            let bytes = expanded.text.find(needle).unwrap();
            positions.of(expanded.text[..bytes].chars().count())
        };
        assert_eq!(at("é"), (1, 1));
        assert_eq!(at("3"), (1, 4));
        assert_eq!(at("x"), (2, 3));
        assert_eq!(at("$y"), (2, 7));
        assert_eq!(at("z"), (2, 10));
        assert_eq!(positions.of(10_000).0, 2);
    }

    #[test]
    fn a_part_with_a_variable_in_it_is_known_as_it_is_written() {
        let original = format!("{}é $A: [x$NONE, pre$A$B, '\\$A', plain] $E", "-".repeat(700));
        let variable = |name: &str| match name {
            "A" => Some("one, two".to_owned()),
            "B" => Some("three".to_owned()),
            "E" => Some(String::new()),
            _ => None,
        };
        let expanded = expand(&original, &variable).unwrap();
        let positions = Positions::new(&original).expanded(expanded.pieces);
        let written = |needle: &str| {
            let begin = expanded.text.find(needle).unwrap();
            let begin = expanded.text[..begin].chars().count();
            positions.written(begin, begin + needle.chars().count())
        };
        assert_eq!(written("one, two:"), Some("$A:"));
        assert_eq!(written("wo:"), Some("$A:"), "all of the variable");
        assert_eq!(written("one"), Some("$A"));
        assert_eq!(written("x$NONE"), None);
        assert_eq!(written("preone"), Some("pre$A"));
        assert_eq!(written("preone, twothree"), Some("pre$A$B"));
        assert_eq!(written("three"), Some("$B"));
        assert_eq!(written("'$A'"), Some("'\\$A'"));
        assert_eq!(written("plain"), None);
        assert_eq!(written("] "), Some("] $E"));
        assert_eq!(Positions::new("x").written(0, 1), None);
    }
}
