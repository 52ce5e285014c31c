//! What the types of a configuration cannot say: bounds, and values that contradict each other.

use std::collections::HashSet;

use object_store::aws::AmazonS3ConfigKey;

use super::draft::{Draft, join};
use super::environment::Environment;
use super::options::Options;
use super::problem::{Origin, Problem};
use super::urls;
use crate::catalog::{self, CatalogProblem, CollectionProblem, Preset};
use crate::http::{ApiAccess, HttpOptions};
use crate::model::{Digest, KeyTemplate, Span};
use crate::source::HostName;
use crate::store::{self, OptionValue};

/// The collection that the embedded catalog has from the start, as a key layout.
const EMBEDDED_LAYOUT: &str = "software-installers/{digest}";

/// What is told of a host of `[source]` that is none.
const NO_HOST: &str = "is no host name: write HOST or HOST:PORT, without scheme and path";

/// Notes everything that cannot be as it is.
pub(super) fn validate(draft: &mut Draft, options: &Options, environment: &Environment) {
    databases(draft, options);
    store(draft, options, environment);
    bounds(draft, options);
    collections(draft, options);
    quarantine(draft, options);
    hosts(draft, options);
    accepted(draft, options);
    http(draft, options);
}

fn http(draft: &mut Draft, options: &Options) {
    let http = &options.http;
    if let Err(problem) = http.address() {
        draft.refuse("http.listen", problem);
    }
    for (at, name) in http.allowed_hosts.iter().enumerate() {
        if let Err(problem) = HttpOptions::judge_host(name) {
            draft.refuse(&format!("http.allowed_hosts[{at}]"), problem);
        }
    }
    if http.api == ApiAccess::Token && http.admin_token_file.is_none() {
        draft.refuse("http.api", "asks for a token, and `http.admin_token_file` names none");
    }
}

fn databases(draft: &mut Draft, options: &Options) {
    let from = if options.catalog.url_file.is_some() { "catalog.url_file" } else { "catalog.url" };
    match &options.catalog.url {
        Some(url) => {
            for CatalogProblem { key, problem } in catalog::judge(&options.catalog, url) {
                let key = if key == "url" { from.to_owned() } else { join("catalog", key) };
                draft.refuse(&key, problem);
            }
        }
        None => draft.refuse(from, "is missing: write sqlite://PATH here, or in a `url_file`"),
    }
    if let Some(Err(problem)) = options.ledger.url.as_deref().map(urls::judge_ledger) {
        draft.refuse("ledger.url", problem);
    }
}

fn store(draft: &mut Draft, options: &Options, environment: &Environment) {
    let store = &options.store;
    if let Err(problem) = urls::judge_store(&store.url) {
        draft.refuse("store.url", problem);
    }
    if store.name.is_empty() {
        draft.refuse("store.name", "is empty: reports name the store by it");
    }
    let on_s3 = store.url.starts_with("s3://");
    for (key, value) in &store.options {
        let name = join("store.options", key);
        if !on_s3 {
            draft.refuse(&name, "belongs to no folder: only s3:// takes options");
        } else if let Err(problem) = store::judge_option(key, value) {
            draft.refuse(&name, problem);
        }
    }
    if on_s3 {
        aws_variables(draft, options, environment);
    }
}

/// The usual AWS variables, which the store takes where `[store.options]` is silent.
fn aws_variables(draft: &mut Draft, options: &Options, environment: &Environment) {
    let own: HashSet<_> = options
        .store
        .options
        .keys()
        .filter_map(|key| key.parse::<AmazonS3ConfigKey>().ok())
        .collect();
    for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("AWS_")) {
        let key = name.to_ascii_lowercase();
        let known = key
            .parse()
            .is_ok_and(|known| known != AmazonS3ConfigKey::Bucket && !own.contains(&known));
        if !known {
            continue;
        }
        let judged = match value.to_str() {
            Some(text) => store::judge_option(&key, &OptionValue::Text(text.to_owned())),
            None => Err("is not UTF-8".to_owned()),
        };
        if let Err(advice) = judged {
            let (key, origin) = (join("store.options", &key), Origin::Variable(name.to_owned()));
            draft.push(Problem { key, origin, what: "", advice });
        }
    }
}

fn bounds(draft: &mut Draft, options: &Options) {
    let (breaker, catalog, source) = (&options.breaker, &options.catalog, &options.source);
    for (key, share) in [
        ("breaker.missing_share", breaker.missing_share),
        ("breaker.shrunk_share", breaker.shrunk_share),
    ] {
        if !(0.0..=1.0).contains(&share) {
            draft.refuse(key, format!("is {share}: a share lies between 0 and 1"));
        }
    }
    for (key, is_zero) in [
        ("audit.concurrency", options.audit.concurrency == 0),
        ("deep.concurrency", options.deep.concurrency == 0),
        ("heal.concurrency", options.heal.concurrency == 0),
        ("source.tries", source.tries == 0),
        ("source.per_host", source.per_host == 0),
        ("orphans.sightings", options.orphans.sightings == 0),
        ("catalog.connect_timeout", catalog.connect_timeout == Span::seconds(0)),
        ("catalog.statement_timeout", catalog.statement_timeout == Span::seconds(0)),
        ("source.connect_timeout", source.connect_timeout == Span::seconds(0)),
        ("source.read_timeout", source.read_timeout == Span::seconds(0)),
    ] {
        if is_zero {
            draft.refuse(key, "is 0: nothing would ever be done");
        }
    }
    if options.heal.retry_at_most < options.heal.retry_after {
        let after = options.heal.retry_after;
        draft.refuse("heal.retry_at_most", format!("is shorter than `heal.retry_after`, {after}"));
    }
}

fn collections(draft: &mut Draft, options: &Options) {
    let custom = options.catalog.preset == Preset::Custom;
    if custom && options.collection.is_empty() {
        draft.refuse("collection", "is missing: preset \"custom\" needs a [[collection]]");
    }
    let mut names = HashSet::new();
    for (i, collection) in options.collection.iter().enumerate() {
        let (name, query) = (&collection.name, collection.query.as_deref());
        if name.trim().is_empty() || name.contains(char::is_control) {
            draft.refuse(&format!("collection[{i}].name"), "is empty or not printable");
        }
        if !names.insert(name) {
            draft.refuse(
                &format!("collection[{i}].name"),
                format!("is `{name}`, which is there already"),
            );
        }
        let key = format!("collection[{i}].query");
        match query.map(str::trim) {
            None if custom => draft.refuse(&key, "is missing: preset \"custom\" needs a SELECT"),
            Some("") => draft.refuse(&key, "is empty: write one SELECT"),
            None | Some(_) => {}
        }
    }
    // As opening the catalog will judge them.
    let url = options.catalog.url.as_deref().unwrap_or_default();
    let judged = catalog::judge_collections(&options.catalog, url, &options.collection);
    for CollectionProblem { at, key, problem } in judged {
        draft.refuse(&format!("collection[{at}].{key}"), problem);
    }
}

fn quarantine(draft: &mut Draft, options: &Options) {
    let folder = options.heal.quarantine.as_str();
    if folder.is_empty() {
        return;
    }
    if folder.split('/').any(|part| matches!(part, "" | "." | ".."))
        || folder.contains(char::is_control)
    {
        let advice = "has an outer or double slash, `.`, `..` or a control character";
        return draft.refuse("heal.quarantine", advice);
    }
    let embedded = (options.catalog.preset == Preset::Restock).then(|| EMBEDDED_LAYOUT.parse());
    let embedded = embedded.and_then(Result::ok);
    for layout in options.collection.iter().map(|own| &own.key).chain(&embedded) {
        if holds_keys(folder, layout) {
            draft.refuse(
                "heal.quarantine",
                format!(
                    "would hide the objects that lie under `{layout}`: take a folder of its own"
                ),
            );
        }
    }
}

/// Whether keys of a layout may lie in a folder: those of its prefix, and those of the digests
/// that begin as a part of the folder's name does.
fn holds_keys(folder: &str, layout: &KeyTemplate) -> bool {
    let folder = format!("{folder}/");
    let digests =
        folder.split('/').filter_map(|part| format!("{part:0<64}").parse::<Digest>().ok());
    layout.prefix().starts_with(&folder)
        || digests.into_iter().any(|digest| layout.render(&digest).starts_with(&folder))
}

fn accepted(draft: &mut Draft, options: &Options) {
    let mut digests = HashSet::new();
    for (i, entry) in options.accept.iter().enumerate() {
        if !digests.insert(entry.digest) {
            draft.refuse(&format!("accept[{i}].digest"), "is that of an earlier [[accept]]");
        }
        if entry.reason.trim().is_empty() {
            draft.refuse(&format!("accept[{i}].reason"), "is empty: say why, for later");
        }
    }
}

fn hosts(draft: &mut Draft, options: &Options) {
    for (i, base) in options.source.maintained_apps.iter().enumerate() {
        let is_base = url::Url::parse(base).is_ok_and(|url| url.has_host());
        if !is_base {
            let key = format!("source.maintained_apps[{i}]");
            draft.refuse(&key, "is no URL: write https://HOST/PATH");
        }
    }
    let mut names = HashSet::new();
    for (i, host) in options.source.host.iter().enumerate() {
        let key = format!("source.host[{i}].name");
        match HostName::parse(&host.name) {
            None => draft.refuse(&key, NO_HOST),
            Some(name) if !names.insert(name.clone()) => {
                draft.refuse(&key, format!("is `{}`, which is there already", host.name));
            }
            Some(_) => {}
        }
    }
    for (i, name) in options.source.allow_hosts.iter().enumerate() {
        if HostName::parse(name).is_none() {
            draft.refuse(&format!("source.allow_hosts[{i}]"), NO_HOST);
        }
    }
}
