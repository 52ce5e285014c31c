//! The demo's source: a folder over HTTP on loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A running server.
pub(super) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves a folder on a free port of loopback.
    pub(super) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("cannot serve on loopback")?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let app = Router::new().fallback(file).with_state(folder.to_owned());
        let until = stop.clone().cancelled_owned();
        let serving = axum::serve(listener, app).with_graceful_shutdown(until);
        let task = tokio::spawn(async move { serving.await });
        Ok(Self { address, stop, task })
    }

    /// Where it answers.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        // Open connections end with the process.
        self.task.abort();
        drop(self.task.await);
    }
}

async fn file(State(folder): State<PathBuf>, uri: Uri) -> Response {
    let name = uri.path().trim_start_matches('/');
    // One folder, flat: a name with a slash or a leading dot is none of ours.
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(folder.join(name)).await {
        Ok(bytes) => bytes.into_response(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            StatusCode::NOT_FOUND.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
