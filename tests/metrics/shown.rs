//! What a scrape shows, sample by sample.

use std::collections::BTreeMap;

use restock::observe::Metrics;

/// A scrape, by the sample's name and labels.
pub(crate) struct Shown(BTreeMap<String, f64>);

impl Shown {
    pub(crate) fn of(metrics: &Metrics) -> Self {
        Self::read(&metrics.render().unwrap())
    }

    pub(crate) fn read(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let parsed = samples.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        Self(parsed.collect())
    }

    /// The value of a sample as it is written, e.g. `restock_orphans{state="flagged",store="default"}`.
    #[track_caller]
    pub(crate) fn get(&self, sample: &str) -> f64 {
        self.find(sample).unwrap_or_else(|| panic!("{sample} is not among {:#?}", self.0))
    }

    pub(crate) fn find(&self, sample: &str) -> Option<f64> {
        self.0.get(sample).copied()
    }

    /// Samples of one metric.
    pub(crate) fn of_metric(&self, name: &str) -> Vec<(&str, f64)> {
        let is = |sample: &str| sample.split('{').next() == Some(name);
        self.0
            .iter()
            .filter(|(key, _)| is(key))
            .map(|(key, value)| (key.as_str(), *value))
            .collect()
    }

    /// Everything that changed since an earlier scrape, but for what the process itself changes.
    pub(crate) fn changed_since(&self, earlier: &Self) -> Vec<String> {
        let keys = self.0.keys().chain(earlier.0.keys().filter(|key| !self.0.contains_key(*key)));
        let changed = keys.filter(|key| self.0.get(*key) != earlier.0.get(*key));
        changed.filter(|key| !key.starts_with("process_")).cloned().collect()
    }
}
