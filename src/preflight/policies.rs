//! Policies that install a package: Fleet fails where their team has none like it.

use std::collections::HashMap;

use super::judge::digest;
use super::look::Known;
use super::{Answer, Verdict};
use crate::gitops::{Among, Install, Text};
use crate::model::Digest;

/// The digests whose rows tell more of a policy than its file does.
pub(super) fn questions(installs: &[Install]) -> impl Iterator<Item = Digest> {
    let of_server = installs.iter().filter(|install| install.among == Among::Server);
    of_server.filter_map(|install| digest(install.hash_sha256.as_ref()?))
}

/// What Fleet will do with a policy. Nothing is known of digests that were not asked for.
pub(super) fn answer(install: &Install, known: &HashMap<Digest, Known>) -> Answer {
    let hash = install.hash_sha256.as_ref();
    let team = install.team.display();
    let new = |verdict, message: String| new(install, verdict, message);
    match &install.among {
        Among::Team(at) => {
            let place = format!("{}:{}", at.file.display(), at.line);
            new(Verdict::Ok, format!("the team of {team} has its package: see {place}"))
        }
        Among::Nothing => {
            let detail = Some(format!("the team of {team} has no such package"));
            Answer { detail, ..new(Verdict::WouldFail, not_found(install)) }
        }
        Among::Unsure => new(
            Verdict::Unknown,
            format!(
                "cannot tell whether the team of {team} has its package: only Fleet knows the \
                 digests of those with a URL alone, and of maintained apps"
            ),
        ),
        Among::Server => of_server(install, hash.and_then(digest).and_then(|d| known.get(&d))),
    }
}

/// What Fleet will do where the server's own packages count.
fn of_server(install: &Install, known: Option<&Known>) -> Answer {
    let hash = install.hash_sha256.as_ref();
    let team = install.team.display();
    let new = |verdict, message: String| new(install, verdict, message);
    let unasked = Known::default();
    let known = known.unwrap_or(&unasked);
    if let Some(cause) = &known.rows_unknown {
        let cause = hash.map_or_else(|| cause.clone(), |hash| hash.keep_from(cause));
        return new(Verdict::Unknown, format!("cannot ask for its rows: {cause}"));
    }
    let has_row = known.spots.iter().any(|spot| !spot.urls.is_empty());
    if has_row || install.has_url {
        let message = format!(
            "{team} leaves its software to the server, and the catalog does not tell which of the \
             packages there are its team's"
        );
        return new(Verdict::Unknown, message);
    }
    let detail = Some("no row of the catalog has its digest".to_owned());
    Answer { detail, ..new(Verdict::WouldFail, not_found(install)) }
}

fn new(install: &Install, verdict: Verdict, message: String) -> Answer {
    let policy_of = Some(install.team.clone());
    let hash = install.hash_sha256.as_ref();
    Answer { policy_of, ..Answer::new(&install.at, hash, verdict, message) }
}

/// Fleet's words.
fn not_found(install: &Install) -> String {
    let digest = install.hash_sha256.as_ref().map(Text::shown).unwrap_or_default();
    match &install.package_path {
        None => format!("package not found with hash {digest}"),
        Some(path) => {
            let path = path.shown();
            format!("install_software.package_path SHA256 {digest} not found on team: {path}")
        }
    }
}
