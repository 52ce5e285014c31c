//! What follows from what is known, in Fleet's own words where it fails. Asks nobody.

use std::collections::HashMap;
use std::path::Path;

use super::look::{Known, Object, Spot};
use super::{Answer, Verdict};
use crate::gitops::{Kind, Place, Reference, Text};
use crate::model::{Digest, Repair, redact_url};

const NEITHER: &str = "at least one of hash_sha256 or url is required for each software package";

const ALWAYS: &str = "Couldn't edit software. The 'always_download' option cannot be used with \
                      'hash_sha256'.";

/// What a package shows without a look at anything else.
enum Sight<'r> {
    Settled(Answer),
    /// Fleet downloads it without a look at anything.
    UrlAlone,
    Question(Question<'r>),
}

/// A package whose digest has to be looked for.
pub(super) struct Question<'r> {
    pub(super) at: &'r Place,
    /// Its `hash_sha256`, which is a digest.
    pub(super) hash: &'r Text,
    pub(super) digest: Digest,
    pub(super) url: Option<&'r Text>,
}

fn at_sight(reference: &Reference) -> Sight<'_> {
    let url = reference.url.as_ref();
    let fails = |hash, message: String| {
        Sight::Settled(Answer::new(&reference.at, hash, Verdict::WouldFail, message))
    };
    let Some(hash) = reference.hash_sha256.as_ref() else {
        return if url.is_some() { Sight::UrlAlone } else { fails(None, NEITHER.to_owned()) };
    };
    let Some(digest) = digest(hash) else {
        let message = format!(
            "hash_sha256 value {hash:?} must be a valid lower-case hex-encoded (64-character) \
             SHA-256 hash value"
        );
        return fails(Some(hash), message);
    };
    if reference.always_download {
        return fails(Some(hash), ALWAYS.to_owned());
    }
    Sight::Question(Question { at: &reference.at, hash, digest, url })
}

/// Parts what can be said at once from what has to be looked up.
pub(super) fn sort(references: &[Reference]) -> (Vec<Answer>, Vec<Question<'_>>) {
    let (mut answers, mut questions) = (Vec::new(), Vec::new());
    for reference in references {
        match at_sight(reference) {
            Sight::Settled(answer) => answers.push(answer),
            Sight::UrlAlone => {}
            Sight::Question(question) => questions.push(question),
        }
    }
    (answers, questions)
}

/// 64 lower-case hex digits and nothing else.
pub(super) fn digest(hash: &Text) -> Option<Digest> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let hash = hash.value();
    hash.parse().ok().filter(|_| hash.bytes().all(is_hex))
}

/// What Fleet will do with a digest of which this is known.
pub(super) fn answer(question: &Question<'_>, known: &Known) -> Answer {
    let fits = |spot: &&Spot| match question.url {
        None => !spot.urls.is_empty(),
        Some(url) => spot.urls.iter().flatten().any(|other| same_url(url.value(), other)),
    };
    let spots: Vec<_> = known.spots.iter().filter(fits).collect();
    let with = |is: fn(&Object) -> bool| spots.iter().find(|spot| is(&spot.object)).copied();
    let new =
        |verdict, message: String| Answer::new(question.at, Some(question.hash), verdict, message);
    if let Some(spot) = with(|object| *object == Object::Present) {
        return new(Verdict::Ok, "its row and its object are there".to_owned()).placed(spot);
    }
    for spot in &spots {
        if let Object::Corrupt(observed) = spot.object {
            let message = format!(
                "Fleet would hand out wrong bytes: the object has the digest {observed}; see \
                 `restock show {}`",
                question.hash.shown()
            );
            return Answer { corrupt: true, ..new(Verdict::Ok, message).placed(spot) };
        }
    }
    for spot in &spots {
        if let Object::Unknown(cause) = &spot.object {
            let message = format!("cannot ask for its object: {}", question.hash.keep_from(cause));
            return new(Verdict::Unknown, message).placed(spot);
        }
    }
    if let Some(cause) = &known.rows_unknown {
        let message = format!("cannot ask for its rows: {}", question.hash.keep_from(cause));
        return new(Verdict::Unknown, message);
    }
    let why = why(known, &spots);
    let answer = if let Some(url) = question.url {
        let url = redact_url(&url.shown());
        new(Verdict::WillDownload, format!("Fleet downloads it from {url}: {why}"))
    } else {
        let message = format!("package not found with hash {}", question.hash.shown());
        Answer { detail: Some(why), ..new(Verdict::WouldFail, message) }
    };
    match spots.first() {
        Some(spot) => answer.placed(spot),
        None => answer,
    }
}

/// Why Fleet does not find it.
fn why(known: &Known, fitting: &[&Spot]) -> String {
    let why = if !fitting.is_empty() {
        "its row is there, and its object is not"
    } else if known.spots.is_empty() {
        "no row of the catalog has its digest"
    } else if known.spots.iter().all(|spot| spot.urls.is_empty()) {
        "its row is kept for a rollback only, and Fleet takes no account of it"
    } else {
        // Without a URL any row would have fitted.
        "its row has another URL"
    };
    why.to_owned()
}

/// Whether Fleet's database takes two URLs for one: it minds neither case nor blanks at the end.
fn same_url(a: &str, b: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches(' ').to_lowercase();
    a == b || plain(a) == plain(b)
}

/// Tells of digests that one team asks for twice.
pub(super) fn tell_repeated(references: &[Reference], answers: &mut Vec<Answer>) {
    let mut first: HashMap<(&Path, Digest), (&Place, &Place)> = HashMap::new();
    let mut uses: Vec<_> = references
        .iter()
        .filter_map(|reference| {
            let hash = reference.hash_sha256.as_ref()?;
            Some((reference, hash, digest(hash)?))
        })
        .flat_map(|(reference, hash, digest)| {
            reference.used_at.iter().map(move |used| (used, reference, hash, digest))
        })
        .collect();
    uses.sort_by(|a, b| (a.0, &a.1.at).cmp(&(b.0, &b.1.at)));
    let answered = answers.iter().enumerate().map(|(i, answer)| (answer.at.clone(), i));
    let mut answered: HashMap<_, _> = answered.collect();
    for (used, reference, hash, digest) in uses {
        let here = (used, &reference.at);
        let Some(before) = first.insert((&used.file, digest), here) else { continue };
        // Where a `path` brings it a second time, the package file is not to blame.
        let by_path = reference.kind == Kind::PackageFile && before.0 != used;
        let at = if by_path { used } else { &reference.at };
        let message =
            format!("cannot have multiple installers with the same hash {hash:?} on one team");
        let mut repeated = Answer::new(at, Some(hash), Verdict::WouldFail, message);
        let other = if before.0 == used { before.1 } else { before.0 };
        repeated.detail =
            Some(format!("it is asked for at {}:{} too", other.file.display(), other.line));
        let next = answers.len();
        match answers.get_mut(*answered.entry(at.clone()).or_insert(next)) {
            Some(answer) => *answer = repeated,
            None => answers.push(repeated),
        }
    }
}

impl Answer {
    pub(super) fn new(at: &Place, hash: Option<&Text>, verdict: Verdict, message: String) -> Self {
        Self {
            at: at.clone(),
            policy_of: None,
            hash: hash.cloned(),
            verdict,
            message,
            detail: None,
            collection: None,
            key: None,
            corrupt: false,
        }
    }

    /// Its digest; `None` where `hash_sha256` is none, or where a variable stands for it: what
    /// that holds may be secret.
    pub fn digest(&self) -> Option<Digest> {
        self.hash.as_ref().filter(|hash| hash.is_literal()).and_then(digest)
    }

    /// Its key; `None` also where a variable stands for the digest in it.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref().filter(|_| self.digest().is_some())
    }

    /// What people see of its `hash_sha256`.
    pub fn hash(&self) -> Option<String> {
        self.hash.as_ref().map(Text::shown)
    }

    /// Whether a repair is that of its object.
    pub(super) fn is_of(&self, repair: &Repair) -> bool {
        let digest = self.hash.as_ref().and_then(digest);
        digest == Some(repair.digest) && self.key.as_ref() == Some(&repair.key)
    }

    /// Says more, in a text that others wrote.
    pub(super) fn add_detail(&mut self, detail: &str) {
        let detail =
            self.hash.as_ref().map_or_else(|| detail.to_owned(), |hash| hash.keep_from(detail));
        self.detail = Some(match self.detail.take() {
            Some(before) => format!("{before}; {detail}"),
            None => detail,
        });
    }

    fn placed(self, spot: &Spot) -> Self {
        Self { collection: Some(spot.collection.clone()), key: Some(spot.key.clone()), ..self }
    }

    /// Whether people have to be told: GitOps fails, or does what nobody wants.
    pub fn is_bad(&self) -> bool {
        self.corrupt || matches!(self.verdict, Verdict::WouldFail | Verdict::Unknown)
    }
}
