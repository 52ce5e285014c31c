//! A key's prefix as Fleet makes it.

/// What Go's `path.Join` makes of a prefix that something is joined to: no `.`, no empty part, no
/// slash at its end, and `..` takes the part before it away. A slash at its beginning stays, and
/// so does a `..` with nothing before it.
pub(super) fn clean_join(prefix: &str) -> String {
    let rooted = prefix.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in prefix.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // Nothing lies above the root.
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let root = if rooted { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_cleaned_as_go_cleans_them() {
        for (prefix, cleaned) in [
            ("", ""),
            (".", ""),
            ("./", ""),
            ("a", "a"),
            ("a/", "a"),
            ("a//b/", "a/b"),
            ("./a", "a"),
            ("a/.", "a"),
            ("a/./b", "a/b"),
            ("a/../b", "b"),
            ("a/..", ""),
            ("a/b/../../c", "c"),
            ("a/b/../..", ""),
            ("...", "..."),
            (".a", ".a"),
            ("a b", "a b"),
            ("é%41", "é%41"),
            // What restock refuses, since no key of it can be listed.
            ("..", ".."),
            ("../a", "../a"),
            ("a/../..", ".."),
            ("a/../../b", "../b"),
            ("../../a", "../../a"),
            ("/", "/"),
            ("//", "/"),
            ("/a", "/a"),
            ("//a/", "/a"),
            ("/..", "/"),
            ("/../a", "/a"),
            ("/a/../..", "/"),
        ] {
            assert_eq!(clean_join(prefix), cleaned, "{prefix:?}");
        }
    }
}
