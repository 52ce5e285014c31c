//! Annotations of GitHub's workflows. Of a step, at most ten of each level are shown: what is more
//! goes into the last of them.

use std::io::{self, Write};

use super::text::escape;

/// Annotations of one level that a step can have.
const SHOWN: usize = 10;

/// Characters of a list of names.
const NAMES_CHARS: usize = 4_000;

/// How much an annotation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warning,
    Notice,
}

/// One annotation.
#[derive(Debug)]
pub(super) struct Annotation {
    pub(super) level: Level,
    /// File, line and column, where it has a place.
    pub(super) place: Option<(String, u32, u32)>,
    pub(super) title: String,
    pub(super) message: String,
    /// How it is named in a list of many.
    pub(super) name: String,
}

/// Writes the annotations, each level in its order, and a notice about the whole.
pub(super) fn annotate(
    annotations: &[Annotation],
    title: &str,
    whole: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let of_level: Vec<_> = annotations.iter().filter(|a| a.level == level).collect();
        let taken = usize::from(level == Level::Notice && whole.is_some());
        let room = SHOWN - taken;
        let single = if of_level.len() > room { room - 1 } else { of_level.len() };
        let (shown, more) = of_level.split_at_checked(single).unwrap_or((&of_level, &[]));
        for annotation in shown {
            let place = annotation.place.as_ref();
            command(level, place, &annotation.title, &annotation.message, out)?;
        }
        if !more.is_empty() {
            let message = format!("{} more: {}", more.len(), names(more));
            command(level, None, &format!("{title}: {} more", more.len()), &message, out)?;
        }
    }
    match whole {
        Some(whole) => command(Level::Notice, None, title, whole, out),
        None => Ok(()),
    }
}

fn names(annotations: &[&Annotation]) -> String {
    let mut names = String::new();
    let mut left = annotations.len();
    for annotation in annotations {
        if names.len() + annotation.name.len() > NAMES_CHARS {
            break;
        }
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(&annotation.name);
        left -= 1;
    }
    if left > 0 { format!("{names} and {left} others") } else { names }
}

fn command(
    level: Level,
    place: Option<&(String, u32, u32)>,
    title: &str,
    message: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    write!(out, "::{word} ")?;
    if let Some((file, line, column)) = place {
        write!(out, "file={},line={line},col={column},", property(file))?;
    }
    writeln!(out, "title={}::{}", property(title), data(&escape(message)))
}

/// A text behind the second `::`. What ends a line would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value among others.
fn property(text: &str) -> String {
    data(&escape(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(level: Level, n: usize) -> Annotation {
        Annotation {
            level,
            place: Some((format!("a,b:{n}%.yml"), 7, 3)),
            title: "T: a, b".to_owned(),
            message: format!("100 % of {n}: a, b"),
            name: format!("name {n}"),
        }
    }

    fn written(annotations: &[Annotation], whole: Option<&str>) -> Vec<String> {
        let mut out = Vec::new();
        annotate(annotations, "restock", whole, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn values_cannot_end_what_holds_them() {
        let lines = written(&[annotation(Level::Error, 1)], Some("all\r\nof it"));
        assert_eq!(
            lines,
            [
                "::error file=a%2Cb%3A1%25.yml,line=7,col=3,title=T%3A a%2C b::100 %25 of 1: a, b",
                r"::notice title=restock::all\r\nof it",
            ]
        );
        assert_eq!(
            (data("%\r\n:,"), property("%\r\n:,")),
            ("%25%0D%0A:,".into(), r"%25\r\n%3A%2C".into())
        );
    }

    #[test]
    fn no_level_has_more_than_ten_and_none_is_lost() {
        for (level, n, whole, expected) in [
            (Level::Error, 10, None, 10),
            (Level::Error, 11, None, 10),
            (Level::Warning, 500, Some("x"), 11),
            (Level::Notice, 10, None, 10),
            (Level::Notice, 9, Some("x"), 10),
            (Level::Notice, 10, Some("x"), 10),
        ] {
            let annotations: Vec<_> = (0..n).map(|n| annotation(level, n)).collect();
            let lines = written(&annotations, whole);
            assert_eq!(lines.len(), expected, "{level:?} {n}");
            let all = lines.concat();
            let told =
                |n: usize| all.contains(&format!("of {n}: ")) || all.contains(&format!("name {n}"));
            assert!((0..n.min(200)).all(told), "{lines:?}");
        }
        let many: Vec<_> = (0..5_000).map(|n| annotation(Level::Error, n)).collect();
        let lines = written(&many, None);
        assert!(lines[9].len() < 4_200 && lines[9].contains("4991 more: name 9, "), "{}", lines[9]);
        assert!(lines[9].ends_with(" others"), "{}", lines[9]);
    }
}
