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
pub(super) struct Positions {
    /// Where each line begins: so many characters into the file.
    lines: Vec<usize>,
    pieces: Vec<Piece>,
}

impl Positions {
    pub(super) fn new(original: &str) -> Self {
        // What ends a file is no line of it: nobody could be shown there.
        let text = original.strip_suffix('\n').unwrap_or(original);
        let ends = text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
        Self { lines: std::iter::once(0).chain(ends).collect(), pieces: Vec::new() }
    }

    #[must_use]
    pub(super) fn expanded(self, pieces: Vec<Piece>) -> Self {
        Self { pieces, ..self }
    }

    /// Line and column of a character of the text that was read, both counted from 1.
    pub(super) fn of(&self, at: usize) -> (u32, u32) {
        let after = self.pieces.partition_point(|piece| piece.begin <= at);
        let piece = after.checked_sub(1).and_then(|last| self.pieces.get(last));
        self.of_original(match piece {
            None => at,
            Some(piece) if piece.verbatim => piece.was + (at - piece.begin),
            Some(piece) => piece.was,
        })
    }

    /// Line and column of a character of the file.
    pub(super) fn of_original(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|begin| *begin <= at).max(1);
        let begin = self.lines.get(line - 1).copied().unwrap_or(0);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (number(line), number(at - begin + 1))
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
}
