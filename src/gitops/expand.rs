//! `$VAR` and `${VAR}` in the text of a file, as Fleet replaces them before it reads the YAML.

use super::position::Piece;
use super::refused::is_refused;

/// What Fleet's server replaces, in whatever case; it stays as it is until then.
const OF_THE_SERVER: &str = "FLEET_VAR_";

/// What Fleet takes in scripts and profiles only.
const SECRET: &str = "FLEET_SECRET_";

/// A text does not grow beyond this by what its variables hold, in bytes.
const GROWN_AT_MOST: usize = 16 << 20;

/// Variables of one file that are told one by one.
const LEFT_AT_MOST: usize = 100;

/// A text with its variables replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) text: String,
    /// Where its parts stood before.
    pub(super) pieces: Vec<Piece>,
    /// The first of the variables that are not replaced; they stay as they are written.
    pub(super) left: Vec<Left>,
    /// Where each of them stands: so many characters into the original text.
    pub(super) left_at: Vec<usize>,
}

/// Why a variable is not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    NotSet,
    /// No file is given what it holds.
    Refused,
    /// It is one of Fleet's secrets, which stand in scripts and profiles.
    Secret,
}

/// A variable that is not replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) why: Why,
    pub(super) name: String,
    /// Where it stands: so many characters into the original text.
    pub(super) at: usize,
    /// As it is written, with its `$`.
    pub(super) written: String,
}

/// Replaces what a shell would. A backslash before the `$` keeps it; the texts of `description`
/// and `resolution` are for people and stay as they are. `None` where the text would become huge.
pub(super) fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<Expanded> {
    let mut out = Expanded::default();
    let mut prose = Prose::new(text);
    let (mut rest, mut at, mut written) = (text, 0, 0);
    while let Some(found) = rest.find('$') {
        let (before, from) = rest.split_at(found);
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        let escaped = backslashes % 2 == 1;
        // Half of the backslashes go where one of them escapes the `$`.
        let gone = if escaped { backslashes.div_ceil(2) } else { 0 };
        let kept = before.get(..found - gone).unwrap_or(before);
        out.text.push_str(kept);
        at += before.chars().count();
        written += kept.chars().count();
        let is_prose = prose.holds(text.len() - from.len());
        let name = shell_name(from.get(1..).unwrap_or(""));
        // Fleet looks for its secrets in prose too.
        let name = name.filter(|(name, _)| !escaped && (!is_prose || name.starts_with(SECRET)));
        let replaced =
            name.filter(|(name, _)| !is_of_the_server(name)).and_then(|(name, length)| {
                let whole = from.get(..=length).unwrap_or(from);
                let value = if name.starts_with(SECRET) {
                    Err(Why::Secret)
                } else if is_refused(name) {
                    Err(Why::Refused)
                } else {
                    variable(name).ok_or(Why::NotSet)
                };
                match value {
                    Ok(value) => Some((whole, value)),
                    Err(why) => {
                        out.leave(why, name, whole, at);
                        None
                    }
                }
            });
        let (taken, put) = replaced.unwrap_or_else(|| ("$", "$".to_owned()));
        if out.text.len() + put.len() > GROWN_AT_MOST {
            return None;
        }
        out.text.push_str(&put);
        let differs = escaped || taken != put;
        if differs {
            out.pieces.push(Piece::replaced(written, at));
        }
        at += taken.chars().count();
        written += put.chars().count();
        if differs {
            out.pieces.push(Piece::verbatim(written, at));
        }
        rest = from.get(taken.len()..).unwrap_or("");
    }
    out.text.push_str(rest);
    Some(out)
}

impl Expanded {
    fn leave(&mut self, why: Why, name: &str, written: &str, at: usize) {
        self.left_at.push(at);
        if self.left.len() < LEFT_AT_MOST {
            let (name, written) = (name.to_owned(), written.to_owned());
            self.left.push(Left { why, name, at, written });
        }
    }
}

fn is_of_the_server(name: &str) -> bool {
    name.to_ascii_uppercase().starts_with(OF_THE_SERVER)
}

/// The name behind a `$`, and how many bytes it takes with its braces.
fn shell_name(text: &str) -> Option<(&str, usize)> {
    if let Some(inside) = text.strip_prefix('{') {
        let end = inside.find('}')?;
        return inside.get(..end).filter(|name| !name.is_empty()).map(|name| (name, end + 2));
    }
    let first = text.chars().next()?;
    if matches!(first, '*' | '#' | '$' | '@' | '!' | '?' | '-' | '0'..='9') {
        return text.get(..1).map(|name| (name, 1));
    }
    let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    text.get(..end).filter(|name| !name.is_empty()).map(|name| (name, end))
}

/// The parts of a file that hold prose. Asked from the front to the back.
struct Prose<'t> {
    text: &'t str,
    /// How far the lines were looked at.
    looked: usize,
    /// Where the last part begins and ends.
    part: (usize, usize),
}

impl<'t> Prose<'t> {
    const fn new(text: &'t str) -> Self {
        Self { text, looked: 0, part: (0, 0) }
    }

    fn holds(&mut self, at: usize) -> bool {
        while self.part.1 <= at && self.looked <= at {
            self.next_line();
        }
        self.part.0 <= at && at < self.part.1
    }

    /// Looks at one line, or at a whole part where one begins.
    fn next_line(&mut self) {
        let begin = self.looked;
        let line = self.line_at(begin);
        self.looked = begin + line.len().max(1);
        let word = line.trim_start();
        if !word.starts_with("description:") && !word.starts_with("resolution:") {
            return;
        }
        // The part ends behind the next key that is indented, or that an empty line precedes.
        let mut blank = false;
        while self.looked < self.text.len() {
            let next = self.line_at(self.looked);
            let key = next.trim_start();
            let word = key.find(|c: char| c != '_' && !c.is_alphanumeric());
            let is_key = word.is_some_and(|end| {
                end > 0 && key.get(end..).is_some_and(|rest| rest.starts_with(':'))
            });
            if is_key && (blank || key.len() < next.len()) {
                self.part = (begin, self.looked + (next.len() - key.len()) + word.unwrap_or(0) + 1);
                // The key that ends it may begin another one.
                return;
            }
            blank = key.is_empty();
            self.looked += next.len().max(1);
        }
        self.part = (begin, self.text.len());
    }

    fn line_at(&self, at: usize) -> &'t str {
        let rest = self.text.get(at..).unwrap_or("");
        rest.split_inclusive('\n').next().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        match name {
            "A" => Some("alpha".to_owned()),
            "LINES" => Some("one\ntwo".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn text(text: &str) -> String {
        expand(text, &variable).unwrap().text
    }

    fn undefined(text: &str) -> Vec<(String, usize)> {
        expand(text, &variable).unwrap().left.into_iter().map(|u| (u.name, u.at)).collect()
    }

    #[test]
    fn variables_are_replaced_with_and_without_braces() {
        assert_eq!(text("x: $A-${A}$EMPTY.\n"), "x: alpha-alpha.\n");
        assert_eq!(text("$A_B $ $} ${} ${A"), "$A_B $ $} ${} ${A");
        assert_eq!(
            undefined("é $A_B $1 ${{ x }}"),
            [("A_B".to_owned(), 2), ("1".to_owned(), 7), ("{ x ".to_owned(), 10)]
        );
    }

    #[test]
    fn an_escaped_dollar_stays_and_takes_half_of_its_backslashes_along() {
        assert_eq!(text(r"\$A \\$A \\\$A"), r"$A \\alpha \$A");
        assert_eq!(undefined(r"\$NONE \\\${NONE}"), []);
    }

    #[test]
    fn what_the_server_replaces_stays() {
        let of_server = "a: $FLEET_VAR_HOST $fleet_var_x";
        assert_eq!(text(of_server), of_server);
        assert_eq!(undefined(of_server), []);
    }

    #[test]
    fn secrets_of_fleet_are_out_of_place_also_in_prose() {
        let expanded =
            expand("a: ${FLEET_SECRET_A}\ndescription: $FLEET_SECRET_B $x\n", &variable).unwrap();
        let left: Vec<_> = expanded.left.iter().map(|l| (l.why, l.name.as_str())).collect();
        let expected = [(Why::Secret, "FLEET_SECRET_A"), (Why::Secret, "FLEET_SECRET_B")];
        assert_eq!(left, expected);
    }

    #[test]
    fn prose_is_left_alone_up_to_the_next_key() {
        let policies = "policies:\n- name: $A\n  description: costs $5\n    and $more\n  query: $A\n\
                        \x20 resolution: |\n    run $this\n    run $that\n  run: $A\n";
        let expanded = expand(policies, &variable).unwrap();
        assert_eq!(expanded.left, []);
        assert_eq!(expanded.text.matches("alpha").count(), 3);
        assert_eq!(undefined("  description: $a\n\nname: $b\n"), [("b".to_owned(), 25)]);
        assert_eq!(undefined("  description: $a\n  resolution: $b\nname: $c"), []);
    }

    #[test]
    fn what_is_refused_is_not_even_looked_up() {
        let looked_up = |name: &str| -> Option<String> { panic!("{name} was looked up") };
        let expanded = expand("x: $AWS_SECRET_ACCESS_KEY ${RESTOCK_X}", &looked_up).unwrap();
        assert_eq!(expanded.text, "x: $AWS_SECRET_ACCESS_KEY ${RESTOCK_X}");
        assert!(expanded.left.iter().all(|left| left.why == Why::Refused));
        assert_eq!(expanded.left_at, [3, 26]);
    }

    #[test]
    fn no_text_becomes_huge() {
        let long = |_: &str| Some("x".repeat(100_000));
        assert!(expand(&"$A ".repeat(1_000), &long).is_none());
        assert!(expand(&"$A ".repeat(100), &long).is_some());
        let none = |_: &str| None;
        let missed = expand(&"$A ".repeat(1_000), &none).unwrap();
        assert_eq!((missed.left.len(), missed.left_at.len()), (100, 1_000));
    }
}
