//! Buckets on the real servers that `tests/run` starts, and a client of them that is not restock.

use std::collections::BTreeMap;
use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use restock::store::{OptionValue, StoreOptions};

/// A server that was started for the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Honours conditional writes, checks no credentials.
    Moto,
    /// Ignores conditions, checks credentials, keeps keys as paths of files.
    JuiceFs,
}

/// A prefix of a bucket that one test has for itself.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) server: Server,
    pub(crate) endpoint: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    client: OnceLock<AmazonS3>,
}

impl Server {
    /// A place of its own for a test. `None`, said aloud, where the server does not run; with
    /// CI=true that is a failure.
    pub(crate) fn bucket(self) -> Option<Bucket> {
        let variable = match self {
            Self::Moto => "RESTOCK_TEST_MOTO",
            Self::JuiceFs => "RESTOCK_TEST_JUICEFS",
        };
        let Ok(endpoint) = env::var(variable) else {
            assert!(
                env::var("CI").as_deref() != Ok("true"),
                "{variable} is not set: use tests/run"
            );
            eprintln!("not tested: {variable} is not set; `tests/run` starts the server");
            return None;
        };
        let id = uuid::Uuid::now_v7().simple().to_string();
        let own = |name: &str| env::var(name).unwrap_or_else(|_| "test".to_owned());
        let mut bucket = Bucket {
            server: self,
            endpoint,
            name: format!("test-{id}"),
            prefix: "a store/é%41".to_owned(),
            access_key: own("RESTOCK_TEST_ACCESS_KEY"),
            secret_key: own("RESTOCK_TEST_SECRET_KEY"),
            client: OnceLock::new(),
        };
        match self {
            Self::Moto => assert_eq!(bucket.raw("PUT", &format!("/{}", bucket.name), b""), 200),
            Self::JuiceFs => {
                bucket.name = own("RESTOCK_TEST_JUICEFS_BUCKET");
                bucket.prefix = format!("{id}/a store/é%41");
            }
        }
        Some(bucket)
    }
}

impl Bucket {
    pub(crate) fn options(&self) -> StoreOptions {
        let text = |text: &str| OptionValue::Text(text.to_owned());
        let options = BTreeMap::from([
            ("aws_endpoint".to_owned(), text(&self.endpoint)),
            ("aws_allow_http".to_owned(), OptionValue::Flag(true)),
            ("aws_region".to_owned(), text("us-east-1")),
            ("aws_access_key_id".to_owned(), text(&self.access_key)),
            ("aws_secret_access_key".to_owned(), text(&self.secret_key)),
        ]);
        let url = format!("s3://{}/{}", self.name, self.prefix);
        StoreOptions { url, options, ..StoreOptions::default() }
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.client().put(&self.path(key), bytes.into()).await.unwrap();
    }

    pub(crate) async fn remove(&self, key: &str) {
        self.client().delete(&self.path(key)).await.unwrap();
    }

    pub(crate) async fn get(&self, key: &str) -> Option<Bytes> {
        match self.client().get(&self.path(key)).await {
            Ok(object) => Some(object.bytes().await.unwrap()),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// All keys below the prefix.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let prefix = Path::parse(&self.prefix).unwrap();
        let listed: Vec<_> = self.client().list(Some(&prefix)).try_collect().await.unwrap();
        let relative = |path: &Path| path.as_ref()[self.prefix.len() + 1..].to_owned();
        listed.iter().map(|object| relative(&object.location)).collect()
    }

    /// How many multipart uploads are open; only moto tells.
    pub(crate) fn open_uploads(&self) -> usize {
        let answer = self.raw_answer("GET", &format!("/{}?uploads", self.name), b"");
        answer.matches("<UploadId>").count()
    }

    /// Puts an object under a key that no well-behaved client sends; for moto, which checks no
    /// signature. The key is percent-encoded by the caller.
    pub(crate) fn put_raw(&self, encoded_key: &str) {
        assert_eq!(self.raw("PUT", &format!("/{}/{encoded_key}", self.name), b"hostile"), 200);
    }

    fn raw(&self, method: &str, target: &str, body: &[u8]) -> u16 {
        let answer = self.raw_answer(method, target, body);
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn raw_answer(&self, method: &str, target: &str, body: &[u8]) -> String {
        let host = self.endpoint.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(host).unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(body).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn path(&self, key: &str) -> Path {
        Path::parse(format!("{}/{key}", self.prefix)).unwrap()
    }

    pub(crate) fn client(&self) -> &AmazonS3 {
        self.client.get_or_init(|| self.connect())
    }

    fn connect(&self) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(&self.secret_key)
            .with_bucket_name(&self.name)
            // JuiceFS demands a header with the other kind of delete.
            .with_disable_bulk_delete(true)
            .build()
            .unwrap()
    }
}
