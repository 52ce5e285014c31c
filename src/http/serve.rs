//! Connections: so many at once and no more, none for ever, and none that outlives the daemon.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::access::Peer;
use super::listen::Listeners;
use super::panel::{Panel, Served};
use super::routes::{ANSWER_TIME, routes};
use super::seats::{Seat, Seats};

/// Connections over TCP, and those of one peer that keep us waiting.
const CONNECTIONS: usize = 256;
const CONNECTIONS_OF_A_PEER: usize = 64;

/// Connections over the admin socket, which must work when the port is swamped.
const SOCKET_CONNECTIONS: usize = 16;

/// Questions over either that are answered at once, besides those of machines: a part of the seats
/// is for those who ask whether the daemon lives.
pub(super) const QUESTIONS: usize = CONNECTIONS / 4 * 3;
pub(super) const SOCKET_QUESTIONS: usize = SOCKET_CONNECTIONS / 4 * 3;

/// How long the head of a request may take, from when one is waited for.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// How long a connection may live; the request that it is at is answered.
const CONNECTION_TIME: Duration = Duration::from_mins(1);

/// How long that may take, also where the daemon ends or the client does not read.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// Lines of a head.
const HEADERS_AT_MOST: usize = 64;

/// Bytes of a head.
const HEAD_BYTES: usize = 16 << 10;

/// What an accept that failed waits for: mostly, that somebody closes a file.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Answers on these listeners until it is told to end, and then until what was asked is answered.
pub async fn serve(listeners: Listeners, panel: Panel, cancel: CancellationToken) {
    let server = Server {
        router: routes(Arc::new(Served::new(panel))),
        running: TaskTracker::new(),
        cancel,
    };
    let Listeners { tcp, socket } = listeners;
    let over_tcp = async {
        if let Some(listener) = &tcp {
            let seats = Seats::new(CONNECTIONS, CONNECTIONS_OF_A_PEER);
            server.accept(seats, || tcp_client(listener)).await;
        }
    };
    let over_socket = async {
        if let Some(socket) = &socket {
            let seats = Seats::new(SOCKET_CONNECTIONS, SOCKET_CONNECTIONS);
            server.accept(seats, || socket_client(&socket.listener)).await;
        }
    };
    tokio::join!(over_tcp, over_socket);
    // Nobody new is let in, and the socket's file goes.
    drop((tcp, socket));
    server.running.close();
    if timeout(CLOSE_TIME * 2, server.running.wait()).await.is_err() {
        tracing::debug!("some HTTP connections are cut off");
    }
}

async fn tcp_client(listener: &TcpListener) -> io::Result<(tokio::net::TcpStream, Peer)> {
    let (stream, address) = listener.accept().await?;
    Ok((stream, Peer::of(address.ip())))
}

async fn socket_client(listener: &UnixListener) -> io::Result<(tokio::net::UnixStream, Peer)> {
    let (stream, _) = listener.accept().await?;
    Ok((stream, Peer::Socket))
}

struct Server {
    router: Router,
    running: TaskTracker,
    cancel: CancellationToken,
}

impl Server {
    async fn accept<S, F>(&self, seats: Arc<Seats>, next: impl Fn() -> F)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<(S, Peer)>>,
    {
        loop {
            let accepted = async {
                seats.room().await;
                next().await
            };
            let accepted = tokio::select! {
                () = self.cancel.cancelled() => return,
                accepted = accepted => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (router, cancel) = (self.router.clone(), self.cancel.clone());
                    let seat = seats.seat(peer);
                    self.running.spawn(converse(stream, peer, seat, router, cancel));
                }
                Err(error) => {
                    tracing::debug!("an HTTP client could not be let in: {error}");
                    tokio::select! {
                        () = self.cancel.cancelled() => return,
                        () = sleep(ACCEPT_AGAIN) => {}
                    }
                }
            }
        }
    }
}

/// Answers what is asked over one connection, until the client closes it, is too slow, loses its
/// seat, or has had it for long enough.
async fn converse<S>(
    stream: S,
    peer: Peer,
    seat: Arc<Seat>,
    router: Router,
    cancel: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let own = Arc::clone(&seat);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(Arc::clone(&own));
        let (mut router, asked) = (router.clone(), own.asked());
        async move {
            let answer = router.call(request.map(Body::new)).await;
            drop(asked);
            answer
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_headers(HEADERS_AT_MOST)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
    );
    let closing = tokio::select! {
        // Whatever a client does wrong is its own affair.
        _ = connection.as_mut() => return,
        () = seat.lost() => return,
        () = cancel.cancelled() => CLOSE_TIME,
        () = sleep(CONNECTION_TIME) => ANSWER_TIME + CLOSE_TIME,
    };
    connection.as_mut().graceful_shutdown();
    let closed = timeout(closing, connection);
    tokio::select! {
        () = seat.lost() => {}
        closed = closed => if closed.is_err() {
            tracing::debug!("an HTTP client that does not read is cut off");
        },
    }
}
