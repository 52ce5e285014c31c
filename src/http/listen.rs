//! Where a daemon listens: a TCP port, and a Unix socket for whoever may open it.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::HttpOptions;

/// Only the user that restock runs as may open the socket.
const SOCKET_MODE: u32 = 0o600;

/// What a daemon listens on, open.
#[derive(Debug)]
pub struct Listeners {
    pub(super) tcp: Option<TcpListener>,
    pub(super) socket: Option<AdminSocket>,
}

/// The admin socket. Its file goes with it.
#[derive(Debug)]
pub(super) struct AdminSocket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

/// A daemon cannot listen where it is told to.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port.
    #[error("cannot listen on {listen} (http.listen): choose another port, or \"\" for none")]
    Port {
        /// As configured.
        listen: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The text is no address.
    #[error("`{listen}` (http.listen) {problem}")]
    Address {
        /// As configured.
        listen: String,
        /// What is wrong with it, completing the sentence.
        problem: String,
    },
    /// The socket's folder is not there.
    #[error(
        "the folder {} of the admin socket does not exist: make it, or set http.admin_socket to \
         a path in another",
        folder.display()
    )]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Something else lies at the socket's path.
    #[error(
        "{} (http.admin_socket) is there already and is no socket: it is left as it is",
        path.display()
    )]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// Another process answers there.
    #[error(
        "another process answers on {} (http.admin_socket): give each instance a socket of its own",
        path.display()
    )]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot make the admin socket {} (http.admin_socket)", path.display())]
    Socket {
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl ListenError {
    /// Whether the configuration has to change, and not the machine.
    pub const fn is_of_the_configuration(&self) -> bool {
        match self {
            Self::Address { .. } | Self::NoFolder { .. } | Self::NoSocket { .. } => true,
            Self::Port { .. } | Self::InUse { .. } | Self::Socket { .. } => false,
        }
    }
}

impl Listeners {
    /// Listens from now on; who connects before [`super::serve()`] waits.
    pub async fn bind(options: &HttpOptions) -> Result<Self, ListenError> {
        let address = options
            .address()
            .map_err(|problem| ListenError::Address { listen: options.listen.clone(), problem })?;
        let tcp =
            match address {
                Some(address) => Some(TcpListener::bind(address).await.map_err(|source| {
                    ListenError::Port { listen: options.listen.clone(), source }
                })?),
                None => None,
            };
        let socket = match &options.admin_socket {
            Some(path) => Some(AdminSocket::bind(path).await?),
            None => None,
        };
        Ok(Self { tcp, socket })
    }

    /// The port that was taken, also where 0 was asked for.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref()?.local_addr().ok()
    }
}

impl AdminSocket {
    /// Makes the socket, in place of one that nobody answers on any more.
    async fn bind(path: &Path) -> Result<Self, ListenError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(ListenError::NoFolder { folder: folder.to_owned() });
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(ListenError::NoSocket { path: path.to_owned() });
            }
            Ok(_) if UnixStream::connect(path).await.is_ok() => {
                return Err(ListenError::InUse { path: path.to_owned() });
            }
            Ok(_) | Err(_) => {}
        }
        let failed = |source| ListenError::Socket { path: path.to_owned(), source };
        // Made in a folder that nobody else may enter, and moved to its place, in place of a stale
        // one, once nobody else may open it: between the two there is no moment for others.
        let private = tempfile::Builder::new().prefix(".").tempdir_in(folder).map_err(failed)?;
        let hidden = private.path().join("s");
        let listener = UnixListener::bind(&hidden).map_err(failed)?;
        fs::set_permissions(&hidden, fs::Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
        let inode = fs::symlink_metadata(&hidden).map_err(failed)?.ino();
        fs::rename(&hidden, path).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }
}

impl Drop for AdminSocket {
    /// Takes the file away, unless somebody has put another in its place.
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode)
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::debug!("the admin socket {} stays: {error}", self.path.display());
        }
    }
}
