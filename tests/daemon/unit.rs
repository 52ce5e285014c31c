//! The shipped service, started by its own line in the environment that its unit asks systemd for.
//! No systemd has to run: what it would do is done here.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binary::{command, run, signal, until};
use crate::place::{CONFIGURATION, Place};
use crate::running::NEVER;

/// A unit's settings, in their order.
struct Unit(Vec<(String, String)>);

impl Unit {
    fn read(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd").join(name);
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(['#', '[']));
        let settings = lines.filter_map(|line| line.split_once('='));
        Self(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.to_owned();
        self.0.iter().filter(move |(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> &str {
        let mut all = self.all(name);
        let one = all.next().unwrap_or_else(|| panic!("{name} is not set"));
        assert!(all.next().is_none(), "{name} is set twice");
        one
    }
}

/// The folders that systemd makes for the unit, and what it says of them.
struct Manager {
    place: Place,
    unit: Unit,
}

impl Manager {
    fn of(unit: &str, settings: &str) -> Self {
        let (place, _) = Place::with_daemon(12, NEVER);
        let unit = Unit::read(unit);
        let manager = Self { place, unit };
        for folder in ["etc", "state", "cache", "run", "credentials", "metrics"] {
            fs::create_dir(manager.path(folder)).unwrap();
        }
        // The catalog comes as a credential, the ledger from the state directory.
        let catalog = "url = \"sqlite://catalog.db\"\n";
        let ledger = "[ledger]\nurl = \"sqlite://ledger.db\"\n";
        let text = format!("{CONFIGURATION}{NEVER}{settings}");
        assert!(text.contains(catalog) && text.contains(ledger));
        let store = format!("url = \"{}\"", manager.place.path("store").display());
        let text = text.replace(catalog, "").replace(ledger, "");
        let text = text.replace("url = \"store\"", &store);
        fs::write(manager.configuration(), text).unwrap();
        let url = format!("sqlite://{}\n", manager.place.path("catalog.db").display());
        for credential in manager.unit.all("LoadCredential") {
            let text = match credential {
                "restock.catalog_url" => url.as_str(),
                "restock.admin_token" => "0123456789abcdef0123456789abcdef\n",
                _ => continue,
            };
            fs::write(manager.path("credentials").join(credential), text).unwrap();
        }
        manager
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path(&format!("systemd-{name}"))
    }

    fn configuration(&self) -> PathBuf {
        self.path("etc").join("restock.toml")
    }

    /// One of the unit's command lines, with the paths of an installation where they are here.
    fn line(&self, line: &str) -> Command {
        let rest = line.strip_prefix("/usr/bin/restock ").unwrap();
        let rest = rest.replace("/etc/restock/restock.toml", "{configuration}");
        let rest = rest.replace("/var/lib/restock-metrics", "{metrics}");
        assert!(
            !rest.contains("/usr") && !rest.contains("/var") && !rest.contains("/etc"),
            "{rest}"
        );
        let rest = rest.replace("{configuration}", self.configuration().to_str().unwrap());
        let rest = rest.replace("{metrics}", self.path("metrics").to_str().unwrap());
        let mut command = command(self.place.dir(), &rest);
        for (setting, variable, folder) in [
            ("ConfigurationDirectory", "CONFIGURATION_DIRECTORY", "etc"),
            ("StateDirectory", "STATE_DIRECTORY", "state"),
            ("CacheDirectory", "CACHE_DIRECTORY", "cache"),
            ("LoadCredential", "CREDENTIALS_DIRECTORY", "credentials"),
        ] {
            assert!(self.unit.all(setting).next().is_some(), "{setting}");
            command.env(variable, self.path(folder));
        }
        assert_eq!(self.unit.one("Environment"), "TMPDIR=/var/cache/restock");
        command.env("TMPDIR", self.path("cache")).current_dir("/");
        command
    }
}

#[test]
fn the_service_starts_reloads_and_stops_as_its_unit_says() {
    let settings = "[http]\nlisten = \"127.0.0.1:0\"\n";
    let manager = Manager::of("restock.service", settings);
    let configured = fs::read_to_string(manager.configuration()).unwrap();
    let socket = manager.path("run").join("admin.sock");
    let token = manager.path("credentials").join("restock.admin_token");
    let http = format!(
        "admin_socket = \"{}\"\nadmin_token_file = \"{}\"\n",
        socket.display(),
        token.display()
    );
    fs::write(manager.configuration(), configured + &http).unwrap();

    let (told, heard) = (manager.path("notify"), manager.path("run.log"));
    let notified = UnixDatagram::bind(&told).unwrap();
    notified.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let wait_for = |what: &str| {
        let mut message = [0; 4096];
        while !{
            let n = notified.recv(&mut message).unwrap();
            String::from_utf8_lossy(&message[..n]).contains(what)
        } {}
    };
    assert_eq!(manager.unit.one("Type"), "notify");
    let watchdog = manager.unit.one("WatchdogSec").strip_suffix('s').unwrap();
    let mut start = manager.line(manager.unit.one("ExecStart"));
    start.env("NOTIFY_SOCKET", &told).env("WATCHDOG_USEC", format!("{watchdog}000000"));
    let log = fs::File::create(&heard).unwrap();
    let mut daemon = start.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    wait_for("READY=1");
    wait_for("STATUS=last pass clean: 12 expected");
    wait_for("WATCHDOG=1");
    assert!(manager.path("state").join("ledger.db").is_file());
    assert!(socket.exists());

    // `systemctl reload` goes through the lines one after the other, and stops at the first failure.
    let reloads: Vec<_> = manager.unit.all("ExecReload").collect();
    assert_eq!(reloads.len(), 2);
    assert_eq!(reloads[1], "/bin/kill -HUP $MAINPID");
    run(&mut manager.line(reloads[0])).exits(0);
    signal(&daemon, "HUP");
    wait_for("RELOADING=1");
    wait_for("READY=1");
    fs::write(manager.configuration(), "nonsense").unwrap();
    run(&mut manager.line(reloads[0])).exits(78);

    signal(&daemon, "TERM");
    wait_for("STOPPING=1");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    assert!(!socket.exists(), "the admin socket goes with the daemon");
}

#[test]
fn the_audit_of_the_timer_leaves_its_numbers_beside_the_daemons_ledger() {
    let manager = Manager::of("restock-audit.service", "");
    run(&mut manager.line(manager.unit.one("ExecStart"))).exits(0);
    let numbers = manager.path("metrics").join("restock.prom");
    until("the numbers", || numbers.is_file());
    let text = fs::read_to_string(numbers).unwrap();
    assert!(text.contains("restock_audit_last_exit_code{store=\"default\"} 0"), "{text}");
    assert!(manager.path("state").join("ledger.db").is_file());
}
