//! What keeps a daemon from answering, told at once; and the life of the admin socket.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use crate::client::get;
use crate::place::Place;
use crate::served::{ALL, Served, refused};

#[test]
fn settings_that_cannot_be_meant_exit_with_78() {
    let (place, _) = Place::healthy(1);
    std::fs::write(place.path("short"), "short\n").unwrap();
    std::fs::write(place.path("file"), "CANARY").unwrap();
    for (settings, said) in [
        ("listen = \"nonsense\"", "`http.listen`"),
        ("listen = \"localhost:9847\"", "`http.listen`"),
        ("allowed_hosts = [\"h.example.com:80\"]", "`http.allowed_hosts[0]`"),
        ("allowed_hosts = [\"http://h.example.com\"]", "`http.allowed_hosts[0]`"),
        ("api = \"token\"", "`http.api`"),
        ("api = \"closed\"", "`http.api`"),
        ("admin_token_file = \"absent\"", "cannot read the token in"),
        ("admin_token_file = \"short\"", "holds no usable token"),
        ("admin_token_file = \"store\"", "cannot read the token in"),
        ("admin_socket = \"absent/admin.sock\"", "absent of the admin socket does not exist"),
        ("admin_socket = \"file\"", "is there already and is no socket"),
        ("alowed_hosts = []", "did you mean"),
    ] {
        let (code, stderr) = refused(&place, &format!("[http]\n{settings}\n"));
        assert_eq!(code, 78, "{settings}: {stderr}");
        assert!(stderr.contains(said), "{settings}: {stderr}");
        assert!(!stderr.contains("last pass"), "{stderr}");
    }
    assert_eq!(std::fs::read(place.path("file")).unwrap(), b"CANARY", "it was left as it is");
}

#[test]
fn what_is_in_use_exits_with_1_and_is_named() {
    let (place, _) = Place::healthy(1);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let (code, stderr) = refused(&place, &format!("[http]\nlisten = \"{listen}\"\n"));
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains(&format!("cannot listen on {listen} (http.listen)")), "{stderr}");
    let _answering = UnixListener::bind(place.path("admin.sock")).unwrap();
    let (code, stderr) = refused(&place, "[http]\nadmin_socket = \"admin.sock\"\n");
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("another process answers on"), "{stderr}");
    assert!(place.path("admin.sock").exists(), "it is somebody else's");
}

#[test]
fn the_admin_socket_is_its_owners_and_goes_with_the_daemon() {
    let (place, _) = Place::with_daemon(3, &format!("{}{ALL}", crate::running::NEVER));
    // What a crash left: a socket that nobody answers on.
    drop(UnixListener::bind(place.path("admin.sock")).unwrap());
    let mut served = Served::over(place);
    let mode = std::fs::metadata(served.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    served.ask_socket(&get("/api/v1/status")).is(200);
    served.daemon.signal("TERM");
    assert_eq!(served.daemon.exit_code(), Some(0));
    assert!(!served.socket().exists());
    let rest = std::fs::read_dir(served.place.dir()).unwrap();
    let names = rest.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        names.filter(|name| name.starts_with('.')).count() == 0,
        "nothing is left of making it"
    );
}

#[test]
fn without_an_address_there_is_the_socket_alone() {
    let (place, _) = Place::with_daemon(3, &format!("{}{ALL}", crate::running::NEVER));
    let mut command = crate::binary::command(place.dir(), "run --log-format text");
    std::fs::write(place.path("admin.token"), crate::served::TOKEN).unwrap();
    // An empty variable says the same as an empty string in the file.
    let log = std::fs::File::create(place.path("run.log")).unwrap();
    let mut child = command.env("RESTOCK_HTTP__LISTEN", "").stderr(log).spawn().unwrap();
    let read = || std::fs::read_to_string(place.path("run.log")).unwrap();
    crate::binary::until("a pass", || read().contains("last pass"));
    assert!(!read().contains("answers on"), "{}", read());
    get("/api/v1/status").over_socket(&place.path("admin.sock")).is(200);
    crate::binary::signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
