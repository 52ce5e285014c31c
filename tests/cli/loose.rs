//! Files that others on the machine may read or write.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::binary::{command, run};
use crate::place::{CONFIGURATION, Place};

#[test]
fn a_secret_that_everybody_may_read_is_warned_of_once_and_a_group_may() {
    let (place, _) = Place::healthy(3);
    place.run("audit").exits(0);
    let tokens = "\n[http]\nadmin_token_file = \"admin\"\n[[source.host]]\nname = \"h.example\"\n\
                  bearer_token_file = \"bearer\"\n";
    place.configure(
        &(CONFIGURATION.replace("url = \"sqlite://catalog.db\"", "url_file = \"url\"") + tokens),
    );
    fs::write(place.path("url"), "sqlite://catalog.db\n").unwrap();
    fs::write(place.path("ledger-url"), format!("sqlite://{}/ledger.db", place.dir().display()))
        .unwrap();
    for token in ["admin", "bearer"] {
        fs::write(place.path(token), "0123456789abcdef\n").unwrap();
    }
    let files = ["url", "admin", "bearer", "ledger-url", "ledger.db"];
    let told = |mode: u32, line: &str| {
        for file in files {
            fs::set_permissions(place.path(file), Permissions::from_mode(mode)).unwrap();
        }
        let mut restock = command(place.dir(), line);
        let ran = run(restock.env("RESTOCK_LEDGER__URL_FILE", place.path("ledger-url"))).exits(0);
        let lines = ran.stderr.lines().map(str::to_owned).collect::<Vec<_>>();
        files.map(|file| {
            let path = format!("{} (", place.path(file).display());
            let own: Vec<_> = lines.iter().filter(|line| line.contains(&path)).collect();
            assert!(own.len() <= 1, "{own:?}");
            let ways = ["read by every user", "written by others"];
            own.first().is_some_and(|line| ways.iter().any(|way| line.contains(way)))
        })
    };
    for line in ["audit", "config check", "config check --online"] {
        assert_eq!(told(0o600, line), [false; 5], "{line}");
        assert_eq!(told(0o640, line), [false; 5], "{line}");
        assert_eq!(told(0o644, line), [true; 5], "{line}");
        assert_eq!(told(0o660, line), [true; 5], "{line}");
    }
}
