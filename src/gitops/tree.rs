//! [`Tree`]: a YAML file as nodes that know where they stand, whatever their shape.
//!
//! Built from the parser's events without recursion. An alias is the node that it names, not a
//! copy of it, so that a file cannot grow by being read; what is looked up goes a fixed way down.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Values in one file; each takes memory, however short it is written.
const NODES_AT_MOST: usize = 500_000;

/// Values inside of values.
const DEPTH_AT_MOST: usize = 100;

/// Mappings that are looked through for one key, where each merges another one.
const MERGES_AT_MOST: usize = 200;

/// A node of its [`Tree`].
pub(super) type Id = usize;

/// The first document of one file: Fleet reads no other.
pub(super) struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    /// The topmost node; `None` where the file is empty.
    pub(super) root: Option<Id>,
    /// Where what comes behind the first document begins.
    pub(super) behind: Option<usize>,
}

/// One value.
pub(super) struct Node<'t> {
    pub(super) value: Value<'t>,
    /// Where it begins: so many characters into the text.
    pub(super) at: usize,
    /// Where it ends: so many characters into the text. Of a mapping or sequence, where it begins.
    pub(super) end: usize,
}

/// What a node is.
pub(super) enum Value<'t> {
    Scalar {
        text: Cow<'t, str>,
        plain: bool,
    },
    Sequence(Vec<Id>),
    /// Keys and values, sorted by the text of the keys; of equal ones, the first comes first.
    Mapping(Vec<(Id, Id)>),
}

/// Why a text gives no tree, and where that shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) message: String,
}

/// A mapping or sequence that is not closed yet; a key waits for its value.
struct Open {
    id: Id,
    key: Option<Id>,
}

impl<'t> Tree<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, Malformed> {
        let mut building = Building {
            tree: Self { nodes: Vec::new(), root: None, behind: None },
            open: Vec::new(),
            anchors: HashMap::new(),
            is_done: false,
        };
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            if building.is_done {
                building.tree.behind = match event {
                    Ok((Event::StreamEnd, _)) => None,
                    Ok((_, span)) => Some(span.start.index()),
                    Err(error) => Some(error.marker().index()),
                };
                break;
            }
            let (event, span) = event.map_err(|error| Malformed {
                at: error.marker().index(),
                message: format!("no YAML: {}", error.info()),
            })?;
            let (at, end) = (span.start.index(), span.end.index());
            building.take(event, at, end).map_err(|message| Malformed { at, message })?;
        }
        Ok(building.tree)
    }

    pub(super) fn node(&self, id: Id) -> Option<&Node<'t>> {
        self.nodes.get(id)
    }

    /// What stands under a key, also where a merge (`<<`) brings it. Of a key that stands twice,
    /// the last one counts, as for Fleet.
    pub(super) fn get(&self, mapping: Id, key: &str) -> Option<Id> {
        // Merges may go round, or reach one node in very many ways: each is looked at once.
        let mut visited = HashSet::new();
        let mut ahead = vec![mapping];
        while let Some(id) = ahead.pop().filter(|_| visited.len() < MERGES_AT_MOST) {
            if !visited.insert(id) {
                continue;
            }
            match &self.node(id)?.value {
                Value::Mapping(entries) => {
                    if let Some((_, value)) = self.named(entries, key).last() {
                        return Some(*value);
                    }
                    ahead.extend(self.named(entries, "<<").last().map(|(_, value)| *value));
                }
                // A merge of several: the first one that has the key counts.
                Value::Sequence(items) if id != mapping => {
                    ahead.extend(items.iter().take(MERGES_AT_MOST).rev());
                }
                Value::Sequence(_) | Value::Scalar { .. } => {}
            }
        }
        None
    }

    /// The entries under a key, in the order of the file.
    fn named<'e>(&self, entries: &'e [(Id, Id)], key: &str) -> &'e [(Id, Id)] {
        let begin = entries.partition_point(|(id, _)| self.text(*id) < Some(key));
        let rest = entries.get(begin..).unwrap_or(&[]);
        let end = rest.partition_point(|(id, _)| self.text(*id) == Some(key));
        rest.get(..end).unwrap_or(&[])
    }

    /// Where a key stands for the last time in a mapping, if it stands there several times.
    pub(super) fn repeated(&self, mapping: Id, key: &str) -> Option<Id> {
        match &self.node(mapping)?.value {
            Value::Mapping(entries) => match self.named(entries, key) {
                [_, .., (key, _)] => Some(*key),
                _ => None,
            },
            Value::Sequence(_) | Value::Scalar { .. } => None,
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match &self.node(id)?.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Whether nothing stands there: an empty value, `~` or `null`.
    pub(super) fn is_null(&self, id: Id) -> bool {
        match self.node(id).map(|node| &node.value) {
            Some(Value::Scalar { text, plain: true }) => {
                matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL")
            }
            Some(Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_)) => false,
            None => true,
        }
    }

    /// Whether a scalar is a yes to Fleet's parser, which reads YAML 1.1.
    pub(super) fn is_true(&self, id: Id) -> bool {
        let word = match self.node(id).map(|node| &node.value) {
            Some(Value::Scalar { text, plain: true }) => text.as_ref(),
            _ => return false,
        };
        matches!(
            word,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y"
        )
    }

    /// Whether a scalar is no text but a number.
    pub(super) fn is_number(&self, id: Id) -> bool {
        match self.node(id).map(|node| &node.value) {
            Some(Value::Scalar { text, plain: true }) => {
                text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'))
                    && text.parse::<f64>().is_ok_and(f64::is_finite)
            }
            _ => false,
        }
    }
}

/// A tree on its way.
struct Building<'t> {
    tree: Tree<'t>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    /// Whether the first document is at its end.
    is_done: bool,
}

impl<'t> Building<'t> {
    fn take(&mut self, event: Event<'t>, at: usize, end: usize) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                self.add(Value::Scalar { text, plain }, (at, end), anchor)?;
            }
            Event::SequenceStart(anchor, _) => {
                let id = self.add(Value::Sequence(Vec::new()), (at, at), anchor)?;
                self.enter(id)?;
            }
            Event::MappingStart(anchor, _) => {
                let id = self.add(Value::Mapping(Vec::new()), (at, at), anchor)?;
                self.enter(id)?;
            }
            Event::SequenceEnd => drop(self.open.pop()),
            Event::MappingEnd => self.close_mapping(),
            Event::Alias(anchor) => {
                let id = self.anchors.get(&anchor).copied();
                self.place(id.ok_or("no YAML: an alias without its anchor")?);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
            Event::DocumentEnd => self.is_done = true,
        }
        Ok(())
    }

    fn add(
        &mut self,
        value: Value<'t>,
        (at, end): (usize, usize),
        anchor: usize,
    ) -> Result<Id, String> {
        let id = self.tree.nodes.len();
        if id >= NODES_AT_MOST {
            return Err(format!("holds more than {NODES_AT_MOST} values, and is not read"));
        }
        self.tree.nodes.push(Node { value, at, end });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.place(id);
        Ok(id)
    }

    /// Puts a node where the reading stands: into what is open, or on top of the document.
    fn place(&mut self, id: Id) {
        let Some(open) = self.open.last_mut() else {
            self.tree.root.get_or_insert(id);
            return;
        };
        match self.tree.nodes.get_mut(open.id).map(|node| &mut node.value) {
            Some(Value::Sequence(items)) => items.push(id),
            Some(Value::Mapping(entries)) => match open.key.take() {
                None => open.key = Some(id),
                Some(key) => entries.push((key, id)),
            },
            Some(Value::Scalar { .. }) | None => {}
        }
    }

    fn close_mapping(&mut self) {
        let Some(Open { id, key: _ }) = self.open.pop() else { return };
        let Some(Value::Mapping(entries)) = self.tree.nodes.get_mut(id).map(|n| &mut n.value)
        else {
            return;
        };
        let mut sorted = std::mem::take(entries);
        sorted.sort_by(|(a, _), (b, _)| self.tree.text(*a).cmp(&self.tree.text(*b)));
        if let Some(node) = self.tree.nodes.get_mut(id) {
            node.value = Value::Mapping(sorted);
        }
    }

    fn enter(&mut self, id: Id) -> Result<(), String> {
        if self.open.len() >= DEPTH_AT_MOST {
            return Err(format!("nests deeper than {DEPTH_AT_MOST} values, and is not read"));
        }
        self.open.push(Open { id, key: None });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(tree: &'a Tree<'_>, path: &[&str]) -> Option<&'a str> {
        let mut id = tree.root?;
        for key in path {
            id = tree.get(id, key)?;
        }
        tree.text(id)
    }

    #[test]
    fn merges_and_aliases_are_followed_and_the_own_key_wins() {
        let tree = Tree::parse(
            "base: &base {a: 1, b: 1}\nmore: &more\n  b: 2\n  c: 2\none:\n  <<: *base\n  a: own\n\
             two:\n  <<: [*more, *base]\nthree: *more\n",
        )
        .unwrap();
        assert_eq!(text(&tree, &["one", "a"]), Some("own"));
        assert_eq!(text(&tree, &["one", "b"]), Some("1"));
        assert_eq!(text(&tree, &["two", "b"]), Some("2"));
        assert_eq!(text(&tree, &["two", "a"]), Some("1"));
        assert_eq!(text(&tree, &["three", "c"]), Some("2"));
        assert_eq!(text(&tree, &["three", "none"]), None);
    }

    #[test]
    fn what_would_grow_or_go_round_for_ever_does_not() {
        let mut bomb = "a0: &a0 {x: y}\n".to_owned();
        for n in 1..60 {
            let before = n - 1;
            let line = format!("a{n}: &a{n} {{<<: [*a{before}, *a{before}, *a{before}]}}\n");
            bomb.push_str(&line);
        }
        let tree = Tree::parse(&bomb).unwrap();
        assert_eq!(text(&tree, &["a59", "x"]), Some("y"));
        assert_eq!(text(&tree, &["a59", "z"]), None);
        assert!(tree.nodes.len() < 1_000);

        let mut chain = "a0: &a0 {x: y}\n".to_owned();
        for n in 1..400 {
            let line = format!("a{n}: &a{n} {{<<: *a{}}}\n", n - 1);
            chain.push_str(&line);
        }
        let tree = Tree::parse(&chain).unwrap();
        assert_eq!(text(&tree, &["a199", "x"]), Some("y"));
        assert_eq!(text(&tree, &["a399", "x"]), None, "nobody merges so many");

        let round = Tree::parse("&a {<<: *a, b: &c [*c]}").unwrap();
        assert_eq!(text(&round, &["z"]), None);
    }

    #[test]
    fn too_many_and_too_deep_are_refused_where_they_are() {
        let deep = Tree::parse(&"- ".repeat(200)).err().unwrap();
        assert_eq!((deep.at, deep.message.contains("deeper than 100")), (200, true));
        let many = Tree::parse(&"-\n".repeat(600_000)).err().unwrap();
        assert!(many.message.contains("more than 500000"), "{}", many.message);
        let flow = Tree::parse(&"[".repeat(100_000)).err().unwrap();
        assert!(!flow.message.is_empty());
    }

    #[test]
    fn a_key_that_stands_twice_is_told_and_the_last_counts() {
        let tree = Tree::parse("a: 1\nb: 2\n[x]: 4\na: 3\na: 5\n").unwrap();
        let root = tree.root.unwrap();
        assert_eq!(tree.repeated(root, "a").map(|id| tree.nodes[id].at), Some(22));
        assert_eq!(tree.repeated(root, "b"), None);
        assert_eq!(text(&tree, &["a"]), Some("5"));
    }

    #[test]
    fn the_first_document_is_read_whatever_comes_behind_it() {
        for behind in ["---\nb: 2\n", "---\n", "--- [unclosed\n", "...\nb: ]\n"] {
            let whole = format!("a: 1\n{behind}");
            let tree = Tree::parse(&whole).unwrap_or_else(|_| panic!("{behind}"));
            assert_eq!(text(&tree, &["a"]), Some("1"));
            assert!(tree.behind.is_some(), "{behind}");
        }
        assert_eq!(Tree::parse("a: 1\n...\n").unwrap().behind, None);
        let none = Tree::parse("# nothing\n").unwrap();
        assert_eq!((none.root, none.behind), (None, None));
    }

    #[test]
    fn words_of_yaml_are_read_as_fleet_reads_them() {
        let tree = Tree::parse("[yes, 'yes', ~, '', 12, '12', 1e3, abc]").unwrap();
        let Value::Sequence(items) = &tree.nodes[tree.root.unwrap()].value else { panic!() };
        let all = |is: &dyn Fn(Id) -> bool| -> Vec<_> {
            items.iter().enumerate().filter(|(_, id)| is(**id)).map(|(at, _)| at).collect()
        };
        assert_eq!(all(&|id| tree.is_true(id)), [0]);
        assert_eq!(all(&|id| tree.is_null(id)), [2]);
        assert_eq!(all(&|id| tree.is_number(id)), [4, 6]);
    }
}
