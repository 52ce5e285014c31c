//! What a person may have meant by a key that there is not.

use super::draft::join;
use super::shape::Shape;

/// What to write in place of an unknown `key` of `table`, whose shape is `shape`.
pub(super) fn advice(root: Shape<'_>, table: &str, shape: Shape<'_>, key: &str) -> String {
    if let Some(near) = nearest(shape.keys(), key) {
        return format!("did you mean `{near}`?");
    }
    if let Some(elsewhere) = in_other_sections(root, key) {
        return format!("did you mean `{elsewhere}`?");
    }
    let known = shape.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    match table {
        "" => format!("the sections are {known}"),
        table => format!("the keys of `{table}` are {known}"),
    }
}

/// The word that `wrong` is a slip of, if there is one: a letter or two off, more in long words.
pub(super) fn nearest<'a>(words: impl Iterator<Item = &'a str>, wrong: &str) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let slips_at_most = 1 + wrong.chars().count() / 5;
    words
        .map(|word| (strsim::damerau_levenshtein(word, &wrong), word))
        .filter(|(slips, _)| *slips <= slips_at_most)
        .min()
        .map(|(_, word)| word)
}

fn in_other_sections(root: Shape<'_>, key: &str) -> Option<String> {
    root.keys().find_map(|section| {
        let shape = root.get(section)?;
        shape.keys().any(|own| own == key).then(|| join(section, key))
    })
}
