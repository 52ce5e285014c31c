//! The gauges of `/metrics`, beside what an audit reports and what the status says.

use std::collections::BTreeMap;

use serde_json::Value;

/// Samples by their whole name, labels included.
pub(crate) struct Gauges(BTreeMap<String, f64>);

impl Gauges {
    pub(crate) fn read(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            samples
                .map(|line| {
                    let (name, value) = line.rsplit_once(' ').unwrap();
                    (name.to_owned(), value.parse().unwrap())
                })
                .collect(),
        )
    }

    /// A whole number; `labels` without the store, in the order of the alphabet.
    pub(crate) fn get(&self, name: &str, label: &str) -> Option<u64> {
        let name = match label.split_once('=') {
            None => format!("{name}{{store=\"default\"}}"),
            Some((own, value)) if own < "store" => {
                format!("{name}{{{own}=\"{value}\",store=\"default\"}}")
            }
            Some((own, value)) => format!("{name}{{store=\"default\",{own}=\"{value}\"}}"),
        };
        self.0.get(&name).copied().map(whole)
    }

    /// All samples of a metric, summed up.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        let of_it = self.0.iter().filter(|(own, _)| own.split('{').next() == Some(name));
        whole(of_it.map(|(_, value)| value).sum())
    }
}

fn whole(value: f64) -> u64 {
    format!("{value:.0}").parse().unwrap()
}

/// Where gauges and status say otherwise than an audit's report and the catalog's number of rows.
pub(crate) fn differences(
    gauges: &Gauges,
    report: &Value,
    status: &Value,
    rows: u64,
) -> Vec<String> {
    let summary = &report["summary"];
    let says = |name: &str| summary[name].as_u64();
    let gauge = |name: &str, label: &str| gauges.get(name, label);
    let object = |state: &str| gauge("restock_objects", &format!("state={state}"));
    let there = object("verified").zip(object("present")).map(|(one, other)| one + other);
    let candidates =
        says("orphans").zip(says("orphans_flagged")).map(|(all, flagged)| all - flagged);
    let mut pairs = vec![
        ("records".to_owned(), gauge("restock_records", ""), Some(rows)),
        ("present".to_owned(), there, says("present")),
        ("missing".to_owned(), object("missing"), says("missing")),
        ("corrupt".to_owned(), object("corrupt"), says("corrupt")),
        ("unknown".to_owned(), object("unknown"), says("unknown")),
        ("candidates".to_owned(), gauge("restock_orphans", "state=candidate"), candidates),
        ("flagged".to_owned(), gauge("restock_orphans", "state=flagged"), says("orphans_flagged")),
        ("orphan bytes".to_owned(), gauge("restock_orphan_bytes", ""), says("orphan_bytes")),
        ("foreign".to_owned(), gauge("restock_foreign_objects", ""), says("foreign")),
        ("accepted".to_owned(), gauge("restock_accepted_objects", ""), says("accepted")),
    ];
    let findings = report["findings"].as_array().unwrap();
    let lost = |finding: &&Value| finding["kind"] == "missing" || finding["kind"] == "corrupt";
    let lost: Vec<_> = findings.iter().filter(lost).collect();
    for why in ["no_source", "source_gone", "source_drifted", "policy_blocked"] {
        let told = lost.iter().filter(|finding| finding["unhealable"] == why).count();
        let label = format!("reason={why}");
        let own = gauge("restock_unhealable_objects", &label);
        pairs.push((format!("unhealable, {why}"), own, u64::try_from(told).ok()));
    }
    let at_risk = gauges.sum("restock_at_risk_objects");
    pairs.push(("at risk".to_owned(), Some(at_risk), says("at_risk")));
    for kind in ["missing", "corrupt", "orphan", "foreign", "unknown", "invalid_record"] {
        let told = findings.iter().filter(|finding| finding["kind"] == kind).count();
        let mut standing = status["standing"].as_array().unwrap().iter();
        let own = standing.find(|standing| standing["kind"] == kind);
        let own = own.map_or(Some(0), |standing| standing["count"].as_u64());
        pairs.push((format!("standing, {kind}"), own, u64::try_from(told).ok()));
    }
    let heals = |pass: &&Value| pass["command"] == "heal" && pass["depth"] == "shallow";
    let newest = status["passes"].as_array().unwrap().iter().find(heals).unwrap();
    for name in ["expected", "observed", "present", "missing", "corrupt", "orphans", "at_risk"] {
        pairs.push((format!("last pass, {name}"), newest[name].as_u64(), says(name)));
    }
    let differ = pairs.into_iter().filter(|(_, own, told)| own != told || own.is_none());
    differ.map(|(name, own, told)| format!("{name}: {own:?} is not {told:?}")).collect()
}
