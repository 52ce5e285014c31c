//! Which collections a catalog has: those of the preset, changed and added to by `[[collection]]`.

use crate::model::{Collection, KeyTemplate, TEMPORARY_MARK};

use super::tokens::Dialect;
use super::{CatalogError, CollectionOptions, Preset, query};

/// The collection that a catalog of preset `restock` has even when it is empty.
pub const DEFAULT_COLLECTION: &str = "software-installers";

/// A collection together with the query that reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Queried {
    pub(super) collection: Collection,
    pub(super) query: String,
}

/// The key layout of a collection of preset `restock`, `<collection>/{digest}`. Refused, completing
/// "collection `x` …", where the name cannot be one segment of a key.
pub fn preset_layout(name: &str) -> Result<KeyTemplate, String> {
    if name.contains(['/', '{', '}']) {
        return Err("has a name with `/`, `{` or `}`, which cannot be one segment of a key".into());
    }
    if name.starts_with(TEMPORARY_MARK) {
        return Err(format!("has a name that starts with `{TEMPORARY_MARK}`"));
    }
    format!("{name}/{{digest}}")
        .parse()
        .map_err(|_| "has a name that cannot be a segment of a key".into())
}

/// What in a `[[collection]]` cannot be as it is, as far as that shows without a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionProblem {
    /// Which one it is, counted from 0.
    pub at: usize,
    /// The key, without its section.
    pub key: &'static str,
    /// What is wrong, completing "`key` …".
    pub problem: String,
}

/// Judges the queries and keys of the configuration as opening the catalog will.
pub(super) fn judge_all(
    preset: Preset,
    dialect: Dialect,
    configured: &[CollectionOptions],
) -> Vec<CollectionProblem> {
    let of_query = configured.iter().enumerate().filter_map(|(at, options)| {
        // That one is missing, or empty, depends on the preset, and not on the database.
        let query = options.query.as_deref().filter(|query| !query.trim().is_empty())?;
        let problem = query::validate(query, dialect).err()?;
        Some(CollectionProblem { at, key: "query", problem })
    });
    let is_always_there = match preset {
        Preset::Custom => false,
        // Preset `fleet` has one of this name and layout too.
        Preset::Restock | Preset::Fleet => true,
    };
    let own = preset_layout(DEFAULT_COLLECTION).ok();
    let own = own.filter(|_| is_always_there).map(|key| (DEFAULT_COLLECTION, key));
    let own = own.filter(|(name, _)| configured.iter().all(|options| options.name != *name));
    let of_key = configured.iter().enumerate().filter_map(|(at, options)| {
        let earlier = configured.iter().take(at).map(|other| (other.name.as_str(), &other.key));
        let mut others = earlier.chain(own.iter().map(|(name, key)| (*name, key)));
        // That two have one name is told by itself.
        let (name, key) = others.find(|(name, key)| {
            options.name != *name && (holds(key, &options.key) || holds(&options.key, key))
        })?;
        let problem = format!(
            "is `{}`, and collection `{name}` has `{key}`: each would take the other's objects for \
             orphans; give every collection a folder of its own",
            options.key
        );
        Some(CollectionProblem { at, key: "key", problem })
    });
    of_query.chain(of_key).collect()
}

/// Whether all keys of one layout lie in the folder that another one owns.
fn holds(outer: &KeyTemplate, inner: &KeyTemplate) -> bool {
    inner.prefix().starts_with(outer.prefix())
}

/// Preset `restock`: the collections found in `objects`, the default one, and those of the
/// configuration, which override the former where they have the same name.
pub(super) fn of_preset(
    found: Vec<String>,
    configured: &[CollectionOptions],
) -> Result<Vec<Queried>, CatalogError> {
    refuse_duplicates(configured)?;
    let mut names = found;
    names.push(DEFAULT_COLLECTION.to_owned());
    names.extend(configured.iter().map(|collection| collection.name.clone()));
    names.sort_unstable();
    names.dedup();
    let collections = names
        .into_iter()
        .map(|name| {
            let options = configured.iter().find(|options| options.name == name);
            options.map_or_else(
                || found_collection(&name),
                |options| {
                    let query = options.query.clone().unwrap_or_else(|| preset_query(&name));
                    checked(options, query, Dialect::Sqlite)
                },
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    refuse_overlaps(&collections)?;
    Ok(collections)
}

/// The collections that a preset found, changed by those of the configuration that have the same
/// name, and with the others of it.
pub(super) fn overridden(
    found: Vec<Queried>,
    configured: &[CollectionOptions],
    dialect: Dialect,
) -> Result<Vec<Queried>, CatalogError> {
    refuse_duplicates(configured)?;
    let mut collections = found;
    for options in configured {
        let known = collections.iter_mut().find(|known| known.collection.name == options.name);
        match (known, &options.query) {
            (Some(known), query) => {
                let query = query.clone().unwrap_or_else(|| known.query.clone());
                *known = checked(options, query, dialect)?;
            }
            (None, Some(query)) => collections.push(checked(options, query.clone(), dialect)?),
            (None, None) => {
                let names: Vec<_> =
                    collections.iter().map(|known| known.collection.name.as_str()).collect();
                return Err(CatalogError::Configuration(format!(
                    "collection `{}` has no `query`, and is none of the preset's: {}",
                    options.name,
                    names.join(", ")
                )));
            }
        }
    }
    refuse_overlaps(&collections)?;
    Ok(collections)
}

/// Preset `custom`: the collections of the configuration, each with its query.
pub(super) fn custom(
    configured: &[CollectionOptions],
    dialect: Dialect,
) -> Result<Vec<Queried>, CatalogError> {
    if configured.is_empty() {
        return Err(CatalogError::Configuration(
            "preset \"custom\" needs at least one [[collection]] with a `query`".to_owned(),
        ));
    }
    refuse_duplicates(configured)?;
    let collections = configured
        .iter()
        .map(|options| match &options.query {
            Some(query) => checked(options, query.clone(), dialect),
            None => Err(CatalogError::Configuration(format!(
                "collection `{}` has no `query`, which preset \"custom\" needs",
                options.name
            ))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    refuse_overlaps(&collections)?;
    Ok(collections)
}

fn found_collection(name: &str) -> Result<Queried, CatalogError> {
    let key = preset_layout(name).map_err(|problem| {
        let name = name.escape_debug();
        CatalogError::Configuration(format!("collection `{name}` of a row in `objects` {problem}"))
    })?;
    let collection = Collection { name: name.to_owned(), key, heal: true };
    Ok(Queried { collection, query: preset_query(name) })
}

fn preset_query(name: &str) -> String {
    format!(
        "SELECT o.digest AS digest, o.name AS name, o.size AS size, o.updated_at AS updated_at, \
         o.rowid AS ref, s.url AS source_url \
         FROM objects AS o LEFT JOIN sources AS s ON s.digest = o.digest \
         WHERE o.collection = {}",
        query::literal(name)
    )
}

fn checked(
    options: &CollectionOptions,
    query: String,
    dialect: Dialect,
) -> Result<Queried, CatalogError> {
    query::validate(&query, dialect).map_err(|problem| CatalogError::Query {
        collection: options.name.clone(),
        problem,
        source: None,
    })?;
    let CollectionOptions { name, query: _, key, heal } = options;
    Ok(Queried {
        collection: Collection { name: name.clone(), key: key.clone(), heal: *heal },
        query,
    })
}

fn refuse_duplicates(configured: &[CollectionOptions]) -> Result<(), CatalogError> {
    let mut seen = std::collections::HashSet::new();
    for CollectionOptions { name, query: _, key: _, heal: _ } in configured {
        if name.trim().is_empty() {
            return Err(CatalogError::Configuration("a [[collection]] has no name".to_owned()));
        }
        if !seen.insert(name) {
            return Err(CatalogError::Configuration(format!(
                "two [[collection]]s are named `{name}`"
            )));
        }
    }
    Ok(())
}

/// Refuses a collection whose folder holds another's: each would see the other's objects as
/// foreign or orphaned.
fn refuse_overlaps(collections: &[Queried]) -> Result<(), CatalogError> {
    for (at, a) in collections.iter().enumerate() {
        for b in collections.iter().skip(at + 1) {
            let (a, b) = (&a.collection, &b.collection);
            let (outer, inner) =
                if a.key.prefix().len() <= b.key.prefix().len() { (a, b) } else { (b, a) };
            if !holds(&outer.key, &inner.key) {
                continue;
            }
            let folder = match outer.key.prefix() {
                "" => "the whole store".to_owned(),
                prefix => format!("`{prefix}`"),
            };
            return Err(CatalogError::Configuration(format!(
                "collection `{}` (key `{}`) owns {folder}, in which collection `{}` (key `{}`) \
                 lies too: each would take the other's objects for orphans; give every \
                 collection a folder of its own",
                outer.name, outer.key, inner.name, inner.key
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(configured: &[CollectionOptions]) -> Result<Vec<Queried>, CatalogError> {
        super::custom(configured, Dialect::Sqlite)
    }

    fn overridden(
        found: Vec<Queried>,
        configured: &[CollectionOptions],
    ) -> Result<Vec<Queried>, CatalogError> {
        super::overridden(found, configured, Dialect::Sqlite)
    }

    fn options(name: &str, key: &str, query: Option<&str>) -> CollectionOptions {
        CollectionOptions {
            name: name.to_owned(),
            query: query.map(str::to_owned),
            key: key.parse().unwrap(),
            heal: false,
        }
    }

    fn refusal(result: Result<Vec<Queried>, CatalogError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn the_default_collection_is_there_even_when_no_row_names_it() {
        let collections = of_preset(vec!["icons".to_owned()], &[]).unwrap();
        let names: Vec<_> = collections.iter().map(|c| c.collection.name.as_str()).collect();
        assert_eq!(names, ["icons", "software-installers"]);
        assert_eq!(collections[0].collection.key.to_string(), "icons/{digest}");
        assert!(collections[0].collection.heal);
    }

    #[test]
    fn the_configuration_overrides_key_and_heal_of_a_preset_collection() {
        let found = vec!["icons".to_owned()];
        let collections = of_preset(found, &[options("icons", "i/{digest}", None)]).unwrap();
        assert_eq!(collections[0].collection.key.to_string(), "i/{digest}");
        assert!(!collections[0].collection.heal);
        assert!(collections[0].query.contains("WHERE o.collection = 'icons'"));
    }

    #[test]
    fn a_collection_name_that_cannot_be_a_key_segment_is_refused_by_name() {
        for bad in ["a/b", "", "..", ".", "a{digest}", "a\nb", ".restock-tmp-x"] {
            let message = refusal(of_preset(vec![bad.to_owned()], &[]));
            let shown = format!("collection `{}`", bad.escape_debug());
            assert!(message.contains(&shown), "{message}");
        }
        assert_eq!(preset_layout("it's a name").unwrap().prefix(), "it's a name/");
    }

    #[test]
    fn collections_that_share_a_folder_are_refused() {
        let query = Some("SELECT 1 AS digest");
        for (one, two) in [
            ("a/{digest}", "a/{digest}"),
            ("a/{digest}", "a/b/{digest}"),
            ("{digest:2}/{digest}", "a/{digest}"),
            ("a/x-{digest}", "a/y-{digest}"),
        ] {
            for (one, two) in [(one, two), (two, one)] {
                let pair = [options("one", one, query), options("two", two, query)];
                let message = refusal(custom(&pair));
                assert!(message.contains("`one`") && message.contains("`two`"), "{message}");
            }
        }
        let apart = [options("one", "a/{digest}", query), options("two", "ab/{digest}", query)];
        assert_eq!(custom(&apart).unwrap().len(), 2);
    }

    #[test]
    fn the_configuration_changes_what_a_preset_found_and_adds_to_it() {
        let query = Some("SELECT 1 AS digest");
        let found = || custom(&[options("one", "a/{digest}", query)]).unwrap();
        assert_eq!(overridden(found(), &[]).unwrap(), found());
        let both = [options("one", "b/{digest}", None), options("two", "c/{digest}", query)];
        let collections = overridden(found(), &both).unwrap();
        let keys: Vec<_> = collections.iter().map(|c| c.collection.key.to_string()).collect();
        assert_eq!(keys, ["b/{digest}", "c/{digest}"]);
        assert_eq!(collections[0].query, "SELECT 1 AS digest");
        let stranger = [options("two", "c/{digest}", None)];
        assert!(refusal(overridden(found(), &stranger)).contains("none of the preset's: one"));
        let inside = [options("two", "a/b/{digest}", query)];
        assert!(refusal(overridden(found(), &inside)).contains("lies too"));
    }

    #[test]
    fn what_opening_would_refuse_is_told_without_a_database() {
        let query = |text| Some(text);
        let collections = [
            options("one", "a/{digest}", query("SELECT a AS digest FROM t WHERE b = ?")),
            options("two", "a/b/{digest}", query("SELECT 1 AS digest")),
            options("three", "software-installers/x/{digest}", None),
            options("two", "a/{digest}", query(" ")),
        ];
        let told = |preset| -> Vec<_> {
            let problems = judge_all(preset, Dialect::Sqlite, &collections);
            problems.into_iter().map(|problem| (problem.at, problem.key)).collect()
        };
        assert_eq!(told(Preset::Custom), [(0, "query"), (1, "key"), (3, "key")]);
        let all = [(0, "query"), (1, "key"), (2, "key"), (3, "key")];
        assert_eq!(told(Preset::Restock), all);
        assert_eq!(told(Preset::Fleet), all);
        let own = [options(DEFAULT_COLLECTION, "software-installers/x/{digest}", None)];
        assert_eq!(judge_all(Preset::Restock, Dialect::Sqlite, &own), []);
    }

    #[test]
    fn preset_custom_needs_collections_with_queries_and_distinct_names() {
        assert!(refusal(custom(&[])).contains("at least one [[collection]]"));
        assert!(refusal(custom(&[options("one", "a/{digest}", None)])).contains("`one`"));
        let query = Some("SELECT 1 AS digest");
        let twins = [options("one", "a/{digest}", query), options("one", "b/{digest}", query)];
        assert!(refusal(custom(&twins)).contains("two [[collection]]s are named `one`"));
        let bad = [options("one", "a/{digest}", Some("SELECT 1; SELECT 2"))];
        assert!(
            refusal(custom(&bad)).contains("the query of collection `one` holds more than one")
        );
    }
}
