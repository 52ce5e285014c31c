//! The page: as it looks, without scripts, and harmless whatever files are called.

use restock::model::Digest;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, raw_sql};

use crate::binary::until;
use crate::golden::expect_file;
use crate::place::{Place, wait};
use crate::served::{ALL, Served};
use crate::support::http_server::Answer;
use crate::support::world::COLLECTION;

/// Everything that differs from run to run has the same width as what stands for it.
fn scrubbed(page: &str, served: &Served) -> String {
    let dir = served.place.dir().display().to_string();
    let mut text = page.replace(&dir, "/srv").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    text = text.replace(&served.place.world.http.port().to_string(), "PORT");
    let mut out = String::new();
    let mut rest = text.as_str();
    // Times are `2026-01-01T00:00:00Z`.
    while let Some(at) = rest.find('T').filter(|_| !rest.is_empty()) {
        let is_time = at >= 10
            && rest.is_char_boundary(at - 10)
            && rest.get(at + 9..at + 10) == Some("Z")
            && rest[at - 10..at].chars().all(|c| c.is_ascii_digit() || c == '-');
        if is_time {
            out += &rest[..at - 10];
            out += "TIME";
            rest = &rest[at + 10..];
        } else {
            out += &rest[..=at];
            rest = &rest[at + 1..];
        }
    }
    out + rest
}

fn hostile() -> Place {
    let (place, objects) = Place::with_daemon(12, &format!("{}{ALL}", crate::running::NEVER));
    for (n, name) in [
        (0, "<script>alert(1)</script>.pkg"),
        (1, "\" onload=\"alert(1)\" x='y"),
        (2, "\u{202e}gkp.exe &amp; more"),
    ] {
        place.world.answer(&objects[n], [Answer::status(404)]);
        let quoted = name.replace('\'', "''");
        let digest = objects[n].digest;
        place.sql(&format!("UPDATE packages SET filename = '{quoted}' WHERE sha256 = '{digest}'"));
    }
    place.lose(&objects[..3]);
    place.world.put(&format!("{COLLECTION}/<img src=x onerror=alert(1)>"), b"?");
    place
}

#[test]
fn the_page_looks_like_its_golden_file() {
    let served = Served::over(hostile());
    let page = served.get("/").is(200);
    expect_file("tests/golden/page.html", &scrubbed(page.text(), &served));
}

#[test]
fn names_are_shown_and_never_markup() {
    let served = Served::over(hostile());
    for target in ["/", "/?kind=missing", "/?kind=foreign"] {
        let page = served.get(target).is(200);
        let text = page.text();
        assert!(text.contains("alert(1)"), "{target}: {text}");
        for never in ["<script", "<img", " onload=\"", "\u{202e}", "javascript:", "style=\""] {
            assert!(!text.contains(never), "{never} in {target}");
        }
    }
    let lost = served.get("/?kind=missing").is(200);
    assert!(lost.text().contains("&lt;script&gt;alert(1)&lt;/script&gt;.pkg"), "{}", lost.text());
}

/// Else a browser would show it without its style.
#[test]
fn the_policy_allows_the_style_of_the_page_and_nothing_else() {
    let (served, _) = Served::start(1, ALL);
    let page = served.get("/").is(200);
    let (_, rest) = page.text().split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let digest = Digest::new(Sha256::digest(style).into());
    let allowed = format!("style-src 'sha256-{}';", base64(digest.as_bytes()));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&allowed), "{policy} should say {allowed}");
    let sources: Vec<_> = policy.split(';').map(str::trim).collect();
    assert_eq!(sources.len(), 5, "{policy}");
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_world_in_order_says_so_and_long_lists_go_on() {
    let (served, objects) = Served::start(70, ALL);
    assert!(served.get("/").is(200).text().contains("Everything expected is there"));
    for n in 0..60 {
        served.place.world.put(&format!("{COLLECTION}/stranger {n}"), b"?");
    }
    served.place.lose(&objects[..1]);
    served.place.world.answer(&objects[0], [Answer::status(404)]);
    served.pass();
    let page = served.get("/?kind=foreign").is(200);
    let at = page.text().find("/?kind=foreign&amp;cursor=").unwrap();
    let link = page.text()[at..].split('"').next().unwrap().replace("&amp;", "&");
    let more = served.get(&link).is(200);
    let rows = |text: &str| text.matches("stranger ").count();
    assert_eq!((rows(page.text()), rows(more.text())), (50, 10));
    assert!(!more.text().contains(">More<"));
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        let word = word << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = char::from(LETTERS[word >> (18 - 6 * at) & 63]);
            out.push(if at > three.len() { '=' } else { letter });
        }
    }
    out
}

/// A clock that was wrong had it end then.
#[test]
fn a_last_pass_that_lies_in_the_future_is_no_fresh_one() {
    let (served, _) = Served::start(1, ALL);
    let stale = "No pass has ended for more than a day";
    assert!(!served.get("/").is(200).text().contains(stale));
    wait(async {
        let ledger = SqliteConnectOptions::new().filename(served.place.path("ledger.db"));
        let mut connection = SqliteConnection::connect_with(&ledger).await.unwrap();
        let later = "'$.finished_at', '2099-01-01T00:00:00Z'";
        let later = format!("UPDATE passes SET body = json_set(body, {later})");
        raw_sql(AssertSqlSafe(later)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    until("the page", || served.get("/").is(200).text().contains(stale));
}
