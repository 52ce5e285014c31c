//! What a query of Prometheus names, held against the list of metrics. That it parses is promtool's
//! to say (`tests/deploy-check`).

use crate::metrics::{Kind, Metric, Values};

/// Labels that Prometheus gives to every series.
const TARGET: &[&str] = &["job", "instance"];

/// Suffixes under which a histogram is shown.
const SUFFIXES: &[&str] = &["_bucket", "_sum", "_count"];

/// Words that take labels in parentheses.
const TAKE_LABELS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words of the language that need no parenthesis right behind them.
const WORDS: &[&str] =
    &["and", "or", "unless", "bool", "offset", "sum", "max", "min", "avg", "count", "group"];

/// What is wrong with an expression: metrics that are none, labels that they do not have, and
/// values that these never take.
pub(crate) fn complaints(expression: &str, metrics: &[Metric]) -> Vec<String> {
    let mut reader = Reader { rest: expression, metrics, complaints: Vec::new() };
    reader.expression();
    reader.complaints
}

/// The metric that a series of this name belongs to.
pub(crate) fn metric_of<'a>(series: &str, metrics: &'a [Metric]) -> Option<&'a Metric> {
    metrics.iter().find(|metric| match metric.kind {
        Kind::Plain => metric.name == series,
        Kind::Histogram => {
            series.strip_prefix(metric.name).is_some_and(|suffix| SUFFIXES.contains(&suffix))
        }
    })
}

struct Reader<'a> {
    rest: &'a str,
    metrics: &'a [Metric],
    complaints: Vec<String>,
}

impl<'a> Reader<'a> {
    fn expression(&mut self) {
        let mut named: Vec<&Metric> = Vec::new();
        let mut grouped: Vec<&str> = Vec::new();
        while let Some(next) = self.rest.chars().next() {
            match next {
                '"' => drop(self.quoted()),
                // A range, or a variable of Grafana's.
                '[' => self.skip_past(']'),
                '{' => drop(self.matchers()),
                'a'..='z' | 'A'..='Z' | '_' => {
                    let word = self.word();
                    if TAKE_LABELS.contains(&word) {
                        grouped.extend(self.labels());
                    } else if !WORDS.contains(&word) && !self.rest.starts_with('(') {
                        named.extend(self.series(word));
                    }
                }
                // With the letters behind it that make it a duration.
                '0'..='9' => {
                    self.rest =
                        self.rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '.');
                }
                other => self.rest = &self.rest[other.len_utf8()..],
            }
        }
        for label in grouped {
            let known = TARGET.contains(&label)
                || label == "le"
                || named.iter().any(|metric| has(metric, label).is_some());
            if !known {
                self.complaints.push(format!("no metric here has the label `{label}`"));
            }
        }
    }

    /// A name of series, and what stands in braces behind it.
    fn series(&mut self, name: &str) -> Option<&'a Metric> {
        let matchers = if self.rest.starts_with('{') { self.matchers() } else { Vec::new() };
        let Some(metric) = metric_of(name, self.metrics) else {
            self.complaints.push(format!("there is no metric `{name}`"));
            return None;
        };
        for (label, value) in matchers {
            match has(metric, label) {
                None if TARGET.contains(&label) => {}
                None => self.complaints.push(format!("`{name}` has no label `{label}`")),
                Some(Values::Any) => {}
                Some(Values::Of(values)) => {
                    let none = |part: &&str| !values.contains(part) && !part.starts_with('$');
                    let wrong = value.split('|').filter(none);
                    let told = wrong.map(|part| format!("`{name}` has no {label} `{part}`"));
                    self.complaints.extend(told);
                }
            }
        }
        Some(metric)
    }

    fn word(&mut self) -> &'a str {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// `(a, b)`, if it follows.
    fn labels(&mut self) -> Vec<&'a str> {
        let Some(inside) = self.rest.trim_start().strip_prefix('(') else { return Vec::new() };
        let end = inside.find(')').unwrap_or(inside.len());
        self.rest = &inside[end..];
        inside[..end].split(',').map(str::trim).filter(|label| !label.is_empty()).collect()
    }

    /// `{a="b", c=~"d|e"}`.
    fn matchers(&mut self) -> Vec<(&'a str, &'a str)> {
        let mut matchers = Vec::new();
        self.rest = &self.rest[1..];
        loop {
            self.rest = self.rest.trim_start_matches([' ', ',', '\n']);
            if self.rest.is_empty() || self.rest.starts_with('}') {
                self.skip_past('}');
                return matchers;
            }
            let label = self.word();
            let Some(quote) = self.rest.find('"') else {
                self.complaints.push(format!("cannot read the matcher of `{label}`"));
                self.rest = "";
                return matchers;
            };
            self.rest = &self.rest[quote..];
            matchers.push((label, self.quoted()));
        }
    }

    fn quoted(&mut self) -> &'a str {
        let inside = &self.rest[1..];
        let end = inside.find('"').unwrap_or(inside.len());
        self.rest = inside.get(end + 1..).unwrap_or("");
        &inside[..end]
    }

    fn skip_past(&mut self, end: char) {
        let at = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len_utf8());
        self.rest = &self.rest[at..];
    }
}

fn has(metric: &Metric, label: &str) -> Option<Values> {
    metric.labels.iter().find(|(name, _)| *name == label).map(|(_, values)| *values)
}
