//! The names of Fleet's variables: those that restock reads, those that make no difference to it,
//! and those that only look like Fleet's.

use crate::config::suggest;

/// The variables that begin alike.
pub(super) struct Group {
    /// The section of restock's configuration that they fill.
    pub(super) section: &'static str,
    /// How they begin.
    pub(super) prefix: &'static str,
    /// What follows in those that restock reads.
    pub(super) read: &'static [&'static str],
    /// What follows in those that make no difference to it.
    pub(super) ignored: &'static [&'static str],
    /// What follows at first in those that are another group's.
    pub(super) others: Option<&'static str>,
}

impl Group {
    /// Whether restock reads this variable. An error, with what to write, where Fleet has no such
    /// variable: a misspelled one would be missed in silence.
    pub(super) fn judge(&self, name: &str) -> Result<bool, String> {
        let Some(rest) = name.strip_prefix(self.prefix) else { return Ok(false) };
        if self.read.contains(&rest) {
            return Ok(true);
        }
        let of_others = self.others.is_some_and(|others| rest.starts_with(others));
        if self.ignored.contains(&rest) || of_others || is_of_kubernetes(rest) {
            return Ok(false);
        }
        let known = self.read.iter().chain(self.ignored);
        let known: Vec<String> = known.map(|name| name.to_lowercase()).collect();
        Err(match suggest::nearest(known.iter().map(String::as_str), rest) {
            Some(near) => format!("did you mean {}{}?", self.prefix, near.to_uppercase()),
            None => "restock does not know what it changes: unset it for restock if it is \
                     harmless, and say so in an issue"
                .to_owned(),
        })
    }
}

/// Whether Kubernetes makes such a variable, by itself, for each service of the namespace: one
/// called `fleet-mysql` gives `FLEET_MYSQL_SERVICE_HOST` and `FLEET_MYSQL_PORT_3306_TCP_ADDR`.
fn is_of_kubernetes(rest: &str) -> bool {
    let rest = format!("_{rest}");
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let port = |text: &str| match text.split('_').collect::<Vec<_>>().as_slice() {
        [number, protocol, tail @ ..] => {
            let named = matches!(*protocol, "TCP" | "UDP" | "SCTP");
            is_number(number) && named && matches!(tail, [] | ["ADDR" | "PROTO"])
        }
        _ => false,
    };
    rest.ends_with("_SERVICE_HOST")
        || rest.ends_with("_PORT")
        || rest.contains("_SERVICE_PORT_")
        || rest.rsplit_once("_PORT_").is_some_and(|(_, text)| port(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Group = Group {
        section: "catalog",
        prefix: "FLEET_MYSQL_",
        read: &["ADDRESS", "PASSWORD"],
        ignored: &["SQL_MODE"],
        others: Some("READ_REPLICA_"),
    };

    #[test]
    fn variables_are_read_passed_over_or_unknown() {
        assert_eq!(GROUP.judge("FLEET_MYSQL_ADDRESS"), Ok(true));
        for passed in [
            "FLEET_MYSQL_SQL_MODE",
            "FLEET_MYSQL_READ_REPLICA_WHATEVER",
            "FLEET_SERVER_ADDRESS",
            "FLEET_MYSQL_SERVICE_HOST",
            "FLEET_MYSQL_SERVICE_PORT",
            "FLEET_MYSQL_SERVICE_PORT_MYSQL",
            "FLEET_MYSQL_PORT",
            "FLEET_MYSQL_PORT_3306_TCP",
            "FLEET_MYSQL_PORT_3306_TCP_ADDR",
            "FLEET_MYSQL_PORT_3306_TCP_PORT",
            "FLEET_MYSQL_PORT_33060_TCP_PROTO",
            "FLEET_MYSQL_HEADLESS_PORT_3306_TCP_ADDR",
        ] {
            assert_eq!(GROUP.judge(passed), Ok(false), "{passed}");
        }
        for unknown in ["FLEET_MYSQL_PORT_3306", "FLEET_MYSQL_", "FLEET_MYSQL_DIALECT"] {
            assert!(GROUP.judge(unknown).is_err(), "{unknown}");
        }
        let near = GROUP.judge("FLEET_MYSQL_PASWORD").unwrap_err();
        assert_eq!(near, "did you mean FLEET_MYSQL_PASSWORD?");
    }
}
