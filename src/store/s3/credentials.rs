//! Credentials of the usual environment, with an answer in good time where there are none.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::{AwsCredential, AwsCredentialProvider};

use super::faults::{self, NoCredentials};

/// How long a look-up may take: the metadata service of a machine answers within milliseconds, or
/// is not there.
const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// A provider whose errors can be told from those of the store.
#[derive(Debug)]
pub(super) struct Credentials(pub(super) AwsCredentialProvider);

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        match tokio::time::timeout(LOOKUP_TIME, self.0.get_credential()).await {
            Ok(Ok(credential)) => Ok(credential),
            Ok(Err(error)) => Err(missing(faults::shown(&error))),
            Err(_) => Err(missing("who would give them does not answer".to_owned())),
        }
    }
}

fn missing(cause: String) -> object_store::Error {
    object_store::Error::Unauthenticated {
        path: String::new(),
        source: Box::new(NoCredentials(cause)),
    }
}
