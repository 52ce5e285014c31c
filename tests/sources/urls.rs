//! A URL is asked for as it is stored: nothing that is encoded is decoded or encoded again.

use restock::source::{Source, SourceOptions};

use crate::support::fetching::{fetched, loopback_options, loopback_source};
use crate::support::http_server::{Answer, HttpServer};

#[tokio::test]
async fn what_is_stored_is_what_is_asked_for() {
    let server = HttpServer::start();
    for (stored, asked) in [
        ("/a%253Ab.pkg", "/a%253Ab.pkg"),
        ("/a%3ab%2Fc%2f.pkg", "/a%3ab%2Fc%2f.pkg"),
        ("/My App 2.0.pkg", "/My%20App%202.0.pkg"),
        ("/My%20App+2.0@x;v=1,2.pkg", "/My%20App+2.0@x;v=1,2.pkg"),
        ("/a!$&'()*[]|~^.pkg", "/a!$&'()*[]|~^.pkg"),
        ("/a.pkg?sig=%2B%2f+a b&x=%253D&empty=", "/a.pkg?sig=%2B%2f+a%20b&x=%253D&empty="),
        ("/a//b///c", "/a//b///c"),
        ("/a.pkg#fragment", "/a.pkg"),
        ("/\u{fc}.pkg", "/%C3%BC.pkg"),
        ("/100%", "/100%"),
        ("", "/"),
    ] {
        let path = asked.split('?').next().unwrap();
        server.route(path, [Answer::ok("bytes")]);
        fetched(&loopback_source(), &server.url(stored)).await;
        assert_eq!(server.requests().last().unwrap().target, asked, "{stored}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_as_it_was_sent() {
    let server = HttpServer::start();
    server.route("/a", [Answer::redirect("/b%253A c?sig=%2B%20d")]);
    server.route("/b%253A%20c", [Answer::ok("bytes")]);
    fetched(&loopback_source(), &server.url("/a")).await;
    assert_eq!(server.requests()[1].target, "/b%253A%20c?sig=%2B%20d");
}

#[test]
fn white_space_around_a_url_does_not_matter() {
    let options = SourceOptions { allow_http: true, ..loopback_options() };
    let source = restock::source::HttpSource::new(&options).unwrap();
    assert_eq!(source.permits(" https://h.example/a b.pkg\n"), Ok(()));
}
