//! A wire to a database server that can be held: what goes to the server waits, and no connection
//! is closed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use url::Url;

/// The wire. Its threads end with their connections.
pub(crate) struct Wire {
    url: Url,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is held: whatever holds these bytes, and all that comes behind it.
    from: Option<&'static [u8]>,
    held: bool,
}

impl Wire {
    /// To the server of this URL, whose traffic it can read: nothing is encrypted.
    pub(crate) fn to(url: &str) -> Self {
        let mut url: Url = url.parse().unwrap();
        let server = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.set_query(Some("sslmode=disable"));
        let gate = Arc::new(Gate::default());
        let of_thread = Arc::clone(&gate);
        drop(std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                carry(&client, server, &of_thread);
            }
        }));
        Self { url, gate }
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Holds all that is sent from now on.
    pub(crate) fn hold(&self) {
        self.hold_from(b"");
    }

    /// Holds what is sent from the next of these bytes on.
    pub(crate) fn hold_from(&self, bytes: &'static [u8]) {
        self.gate.state.lock().unwrap().from = Some(bytes);
    }

    /// Waits until something is held.
    pub(crate) fn wait_until_it_holds(&self) {
        let state = self.gate.state.lock().unwrap();
        drop(self.gate.changed.wait_while(state, |state| !state.held).unwrap());
    }

    /// Lets everything through.
    pub(crate) fn let_go(&self) {
        *self.gate.state.lock().unwrap() = State::default();
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn pass(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap();
        let is_held = |state: &State| {
            let begins = |from: &[u8]| {
                from.is_empty() || bytes.windows(from.len()).any(|window| window == from)
            };
            state.held || state.from.is_some_and(begins)
        };
        if is_held(&state) {
            state.held = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| state.held).unwrap());
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// A client that leaves in the middle is no concern of the wire.
fn carry(client: &TcpStream, server: SocketAddr, gate: &Arc<Gate>) {
    let Ok(server) = TcpStream::connect(server) else { return };
    for stream in [client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let pair = || (client.try_clone().unwrap(), server.try_clone().unwrap());
    let ((mut from, mut to), (mut back, mut answers)) = (pair(), pair());
    let gate = Arc::clone(gate);
    drop(std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            gate.pass(&buffer[..n]);
            if to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    }));
    drop(std::thread::spawn(move || {
        drop(std::io::copy(&mut answers, &mut back));
        drop(back.shutdown(Shutdown::Both));
    }));
}
