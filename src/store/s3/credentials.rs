//! Credentials of the usual environment, with an answer in good time where there are none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use tokio::time::Instant;

use super::faults::{self, NoCredentials};
use super::values;

/// How long a look-up may take: the metadata service of a machine answers within milliseconds, or
/// is not there.
const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// How long a failed look-up speaks for those that follow, so that a command of several requests
/// does not wait for each of them.
const FAILURE_TIME: Duration = Duration::from_secs(2);

/// A provider whose errors can be told from those of the store.
#[derive(Debug)]
pub(super) struct Credentials {
    provider: AwsCredentialProvider,
    failed: Mutex<Option<(Instant, String)>>,
}

impl Credentials {
    pub(super) fn new(provider: AwsCredentialProvider) -> Self {
        Self { provider, failed: Mutex::new(None) }
    }

    /// The cause of a failure that is fresh enough to be taken for this look-up's own.
    fn failed_just_now(&self) -> Option<String> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, cause) = failed.as_ref()?;
        (at.elapsed() < FAILURE_TIME).then(|| cause.clone())
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        if let Some(cause) = self.failed_just_now() {
            return Err(missing(cause));
        }
        let cause = match tokio::time::timeout(LOOKUP_TIME, self.provider.get_credential()).await {
            Ok(Ok(credential)) => match cleaned(&credential) {
                Some(credential) => return Ok(Arc::new(credential)),
                None => "what was given as one holds characters that none has".to_owned(),
            },
            Ok(Err(error)) => faults::shown(&error),
            Err(_) => "who would give them does not answer".to_owned(),
        };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = Some((Instant::now(), cause.clone()));
        Err(missing(cause))
    }
}

/// The credential without white space around its parts; `None` where no header can hold it, on
/// which `object_store` panics.
fn cleaned(given: &AwsCredential) -> Option<AwsCredential> {
    let clean = |part: &str| {
        let clean = values::clean(part);
        values::is_visible(clean).then(|| clean.to_owned())
    };
    let token = match given.token.as_deref().map(values::clean).filter(|token| !token.is_empty()) {
        Some(token) => Some(clean(token)?),
        None => None,
    };
    Some(AwsCredential {
        key_id: clean(&given.key_id)?,
        secret_key: values::clean(&given.secret_key).to_owned(),
        token,
    })
}

fn missing(cause: String) -> object_store::Error {
    object_store::Error::Unauthenticated {
        path: String::new(),
        source: Box::new(NoCredentials(cause)),
    }
}
