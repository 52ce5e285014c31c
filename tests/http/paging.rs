//! Long lists come in pages, each behind the one before, with nothing twice and nothing left out.

use serde_json::Value;

use crate::served::{ALL, Served};
use crate::support::http_server::Answer;
use crate::support::world::COLLECTION;

/// Everything of a list, asked for in pages of so many; cursors are pasted as they are.
fn all(served: &Served, list: &str, filter: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let target = format!("/api/v1/{list}?limit={limit}{filter}{cursor}");
        let page = served.get(&target).is(200).json();
        assert_eq!(page["schema"], format!("restock.{list}/v1"));
        let of_page = page[list].as_array().unwrap();
        items.extend(of_page.iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            assert!(of_page.len() <= limit);
            return items;
        };
        assert_eq!(of_page.len(), limit, "{target}");
        cursor = format!("&cursor={next}");
    }
}

#[test]
fn findings_come_in_pages_whatever_their_keys_hold() {
    let (served, objects) = Served::start(24, ALL);
    for object in &objects[..4] {
        served.place.world.answer(object, [Answer::status(404)]);
    }
    served.place.lose(&objects[..4]);
    // None of these is the key of a digest; encoded once too often or too seldom they are another.
    for name in ["%7E", "~", "a~b", "%257E", "a b+c", "&cursor=", "\u{1f98a}", "x.2Fy", "%"] {
        served.place.world.put(&format!("{COLLECTION}/{name}"), b"?");
    }
    served.pass();
    let whole = all(&served, "findings", "", 500);
    assert_eq!(whole.len(), 13, "{whole:#?}");
    for limit in [1, 2, 5, 13] {
        assert_eq!(all(&served, "findings", "", limit), whole, "{limit}");
    }
    let foreign: Vec<_> = whole.iter().filter(|one| one["kind"] == "foreign").cloned().collect();
    assert_eq!(foreign.len(), 9);
    assert_eq!(all(&served, "findings", "&kind=foreign", 2), foreign);
    assert_eq!(all(&served, "findings", "&kind=corrupt", 2), Vec::<Value>::new());
}

#[test]
fn passes_come_in_pages_newest_first() {
    let (served, _) = Served::start(3, ALL);
    for _ in 0..4 {
        served.pass();
    }
    let whole = all(&served, "passes", "", 500);
    assert_eq!(whole.len(), 5);
    let ended: Vec<_> = whole.iter().map(|pass| pass["finished_at"].as_str().unwrap()).collect();
    assert!(ended.is_sorted_by(|a, b| a >= b), "{ended:?}");
    assert_eq!(all(&served, "passes", "", 2), whole);
    assert_eq!(all(&served, "passes", "", 1), whole);
}
