//! `restock status --server`: what a running daemon knows, told by somebody who has no
//! configuration.

use crate::binary::{Ran, restock};
use crate::served::{ALL, Served};
use crate::support::http_server::{Answer, HttpServer};

/// Runs it in a folder without a configuration.
fn elsewhere(served: &Served, line: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(served.place.path("admin.token"), folder.path().join("token")).unwrap();
    std::fs::write(folder.path().join("other"), "another-token-of-some-length").unwrap();
    restock(folder.path(), line)
}

#[test]
fn it_tells_what_the_daemon_knows() {
    let (served, objects) = Served::start(12, ALL);
    served.place.world.answer(&objects[0], [Answer::status(404)]);
    served.place.lose(&objects[..1]);
    served.pass();
    let socket = format!("unix:{}", served.socket().display());
    for server in
        [format!("http://{}", served.address), format!("http://{}/", served.address), socket]
    {
        let told = elsewhere(&served, &format!("status --output json --server {server}")).exits(0);
        assert_eq!(told.json(), served.status());
        let table = elsewhere(&served, &format!("status --server {server}")).exits(0);
        let table = table.prints("daemon: waits for the next pass").prints("breaker: closed");
        assert!(table.stdout.contains("missing   1"), "{}", table.stdout);
        assert_eq!(table.stderr, "");
    }
    let of_ledger = served.place.run("status --output json").exits(0).json();
    let mut of_daemon = served.status();
    of_daemon.as_object_mut().unwrap().remove("daemon").unwrap();
    assert_eq!(of_daemon, of_ledger, "both read one ledger");
}

#[test]
fn it_shows_a_token_where_one_is_asked_for() {
    let (served, _) = Served::start(3, &format!("{ALL}api = \"token\"\n"));
    let at = format!("--server http://{}", served.address);
    let bare = elsewhere(&served, &format!("status {at}")).exits(1);
    bare.says("a bearer token is needed").says("--token-file");
    let wrong = elsewhere(&served, &format!("status {at} --token-file other")).exits(1);
    let wrong = wrong.says("this is not the token");
    assert!(!wrong.stderr.contains("another-token"), "{}", wrong.stderr);
    elsewhere(&served, &format!("status {at} --token-file token")).exits(0);
    elsewhere(&served, &format!("status {at} --token-file absent"))
        .exits(1)
        .says("cannot read the token in")
        .says("(--token-file)");
}

#[test]
fn what_does_not_answer_is_named_with_what_to_do() {
    let (served, _) = Served::start(1, &format!("{ALL}api = \"off\"\n"));
    let off = format!("status --server http://{}", served.address);
    elsewhere(&served, &off)
        .exits(1)
        .says(&served.address.to_string())
        .says("404")
        .says("unix:PATH");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    elsewhere(&served, &format!("status --server http://{port}"))
        .exits(1)
        .says(&format!("cannot ask the daemon at http://{port}/: does it run"))
        .says("refused");
    elsewhere(&served, "status --server unix:absent.sock")
        .exits(1)
        .says("cannot ask the daemon at unix:absent.sock")
        .says("No such file");
    elsewhere(&served, "status --token-file token").exits(64);
    elsewhere(&served, "status --server http://u:CANARY@h/").exits(64).says("holds user info");
}

#[test]
fn a_server_that_is_no_daemon_is_told_and_gets_no_token_by_a_detour() {
    let (served, _) = Served::start(1, ALL);
    let (stranger, target) = (HttpServer::start(), HttpServer::start());
    let line = format!("status --server http://{} --token-file token", stranger.address());
    for (answer, said) in [
        (Answer::ok("<html>hello</html>"), "is no status of restock's"),
        (Answer::ok("{\"schema\":\"other/v1\"}"), "is no status of restock's"),
        (Answer::redirect(target.url("/api/v1/status")), "it answers 302"),
        (Answer::status(503).body("{\"error\":\"\\u001b[31mred\"}"), "503"),
        (Answer::generated(24, |_| vec![b' '; 1 << 20]), "longer than any status"),
    ] {
        stranger.route("/api/v1/status", [answer]);
        let ran = elsewhere(&served, &line).exits(1).says(said);
        assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    }
    assert_eq!(target.requests().len(), 0);
}
