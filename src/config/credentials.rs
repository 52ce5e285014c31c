//! Settings from the files of `$CREDENTIALS_DIRECTORY`, where systemd and others put secrets.
//!
//! The file `restock.store_name` sets `store.name`, nested sections likewise:
//! `restock.store_options_aws_region`. Files of other names are left to whatever points at them,
//! e.g. a `bearer_token_file`.

use std::collections::BTreeSet;
use std::{fs, io};

use super::draft::Draft;
use super::environment::Environment;
use super::named::NamedFile;
use super::problem::{Origin, Problem};
use super::shape::Shape;
use super::variables::{Target, dotted, put, read, target};

const FOLDER: &str = "CREDENTIALS_DIRECTORY";
const PREFIX: &str = "restock.";

/// Lays the credentials into the draft, over what is there.
pub(super) fn lay(draft: &mut Draft, environment: &Environment, root: Shape<'_>) {
    let Some(folder) = environment.folder(FOLDER) else { return };
    let listed = fs::read_dir(&folder).and_then(|entries| {
        entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<BTreeSet<_>>>()
    });
    let names = listed.unwrap_or_else(|error| {
        let advice = format!("cannot read {}: {error}", folder.display());
        let origin = Origin::Variable(FOLDER.to_owned());
        draft.push(Problem { key: String::new(), origin, what: "credentials", advice });
        BTreeSet::new()
    });
    for name in names.into_iter().filter_map(|name| name.into_string().ok()) {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let origin = Origin::Credential(name.clone());
        // A name of no section is a file that some key points at, e.g. a bearer token.
        let Some(parts) = split(root, path) else { continue };
        let path = folder.join(&name);
        draft.read_from.push(NamedFile { name: origin.to_string(), path: path.clone() });
        match (target(root, &parts), read(&path)) {
            (Target::Key(shape), Ok(value)) => put(draft, shape, &parts, &value, origin),
            (Target::Nothing(advice), _) => {
                draft.push(Problem { key: dotted(&parts), origin, what: "unknown key", advice });
            }
            (Target::Key(_), Err(advice)) => {
                draft.push(Problem { key: dotted(&parts), origin, what: "", advice });
            }
            (Target::File(_, key), _) => {
                let advice = format!("name the credential for `{key}`, without `_file`");
                draft.push(Problem { key: dotted(&parts), origin, what: "unknown key", advice });
            }
        }
    }
}

/// `store_options_aws_region` as `store`, `options`, `aws_region`; `None` for no section.
pub(super) fn split<'a>(root: Shape<'a>, path: &'a str) -> Option<Vec<&'a str>> {
    let step = |table: Shape<'a>, rest: &'a str| {
        let named = |key: &&str| table.get(key).is_some_and(Shape::is_table);
        table.keys().filter(named).find_map(|key| Some((key, rest.strip_prefix(key)?)))
    };
    let (mut table, mut rest, mut parts) = (root, path, Vec::new());
    while let Some((key, after)) = step(table, rest) {
        let Some(after) = after.strip_prefix('_') else { break };
        parts.push(key);
        rest = after;
        table = table.get(key)?;
    }
    parts.push(rest);
    (parts.len() > 1).then_some(parts)
}
