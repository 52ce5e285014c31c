//! Rows whose digest cannot be read: what they hold, and who says so.

use crate::orphans::{plan_of, planned};

#[test]
fn a_row_that_cannot_be_read_holds_the_orphans_of_its_collection_in_list_plan_and_apply() {
    let (place, orphans) = planned(2);
    place.sql("INSERT INTO packages (id, sha256) VALUES (1000, 'sha256:almost')");
    let held = place.run("orphans apply plan.json --max-delete 2").exits(4);
    held.prints("a digest that cannot be read").prints("2 held");
    let why = "1 row of collection `software-installers` has a digest that cannot be read";
    place.run("orphans plan -o plan.json").exits(3).says("unreadable_rows").says(why);
    assert_eq!(plan_of(&place)["entries"].as_array().unwrap().len(), 0);
    place.run("audit").exits(2).prints("unreadable_rows").prints(why);
    place.run("orphans list").exits(0).prints("2 orphans (0 flagged").prints(why);
    let list = place.run("orphans list --output json").exits(0).json();
    assert_eq!(list["summary"]["errors"][0]["code"], "unreadable_rows");
    assert_eq!(place.world.get(&orphans[0].key).as_ref(), Some(&orphans[0].bytes));
    place.sql("UPDATE packages SET sha256 = NULL WHERE id = 1000");
    place.run("orphans plan -o plan.json").exits(0);
    assert_eq!(plan_of(&place)["entries"].as_array().unwrap().len(), 2);
}
