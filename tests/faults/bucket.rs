//! A bucket that answers as the test wrote it down, under a real catalog and real sources.

use std::fmt::Write;

use restock::store::{OptionValue, StoreOptions};

use crate::support::http_server::{Answer, HttpServer};
use crate::support::world::{COLLECTION, Object, World};

/// A world over a scripted bucket.
pub(crate) struct Bucket {
    pub(crate) world: World,
    pub(crate) server: HttpServer,
    /// In the order of their digests.
    pub(crate) objects: Vec<Object>,
}

impl Bucket {
    /// Rows and sources of `n` objects, and a bucket that answers nothing yet.
    pub(crate) async fn of(n: u32) -> Self {
        let mut world = World::empty().await;
        let mut objects: Vec<_> = (0..n).map(Object::nth).collect();
        objects.sort_by_key(|object| object.digest);
        for object in &objects {
            world.serve(object);
            world.row(&world.row_of(object)).await;
        }
        let server = HttpServer::start();
        let mut options = StoreOptions { url: "s3://b/s".to_owned(), ..StoreOptions::default() };
        for (key, value) in [
            ("aws_endpoint", server.url("").as_str()),
            ("aws_allow_http", "true"),
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "secret"),
        ] {
            options.options.insert(key.to_owned(), OptionValue::Text(value.to_owned()));
        }
        world.store = Some(restock::store::open(&options, "/".as_ref()).await.unwrap());
        // One wrong object of few would open the breaker otherwise.
        world.settings.breaker.missing_share = 1.0;
        Self { world, server, objects }
    }

    /// A bucket of four in which the first is missing, with these answers to every request for
    /// it after the listing.
    pub(crate) async fn without_the_first(answers: impl IntoIterator<Item = Answer>) -> Self {
        let bucket = Self::of(4).await;
        bucket.lists([page(&bucket.objects[1..], None)]);
        bucket.answers(&bucket.objects[0], answers);
        bucket
    }

    /// Answers to listings, in turn.
    pub(crate) fn lists(&self, answers: impl IntoIterator<Item = Answer>) {
        self.server.route("/b", answers);
    }

    /// Answers to whatever is asked of an object, in turn.
    pub(crate) fn answers(&self, object: &Object, answers: impl IntoIterator<Item = Answer>) {
        self.server.route(&path(object), answers);
    }

    /// The methods of all requests for an object.
    pub(crate) fn methods(&self, object: &Object) -> Vec<String> {
        let of_it = |target: &str| target.split('?').next() == Some(&path(object));
        let requests = self.server.requests().into_iter();
        requests.filter(|r| of_it(&r.target)).map(|request| request.method).collect()
    }
}

fn path(object: &Object) -> String {
    format!("/b/s/{COLLECTION}/{}", object.digest)
}

/// A page of a listing, with a token where more follows.
pub(crate) fn page(objects: &[Object], token: Option<&str>) -> Answer {
    listing(objects, token, |_| String::new())
}

/// A listing in which some objects have a storage class.
pub(crate) fn archived_page(objects: &[Object], archived: &[Object], class: &str) -> Answer {
    listing(objects, None, |object| {
        let named = archived.iter().any(|other| other.digest == object.digest);
        if named { format!("<StorageClass>{class}</StorageClass>") } else { String::new() }
    })
}

fn listing(objects: &[Object], token: Option<&str>, more: impl Fn(&Object) -> String) -> Answer {
    let mut body = "<ListBucketResult>".to_owned();
    for object in objects {
        let (key, size) = (&object.key, object.bytes.len());
        write!(
            body,
            "<Contents><Key>s/{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
             <ETag>\"e\"</ETag><Size>{size}</Size>{}</Contents>",
            more(object)
        )
        .unwrap();
    }
    let next = token.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>"));
    write!(body, "<IsTruncated>{}</IsTruncated>", token.is_some()).unwrap();
    Answer::ok(body + &next.unwrap_or_default() + "</ListBucketResult>")
}

/// An error as S3 words it.
pub(crate) fn refusal(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    Answer::status(status).body(body)
}

/// The answer to a HEAD of an object that is there.
pub(crate) fn there(size: usize, etag: &str) -> Answer {
    Answer::status(200).saying_length(size as u64).header("etag", etag)
}
