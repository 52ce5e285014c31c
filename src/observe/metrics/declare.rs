//! How a metric is declared: one line that names it, and a doc comment that is its help text.

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, Result,
};

/// A kind of metric.
pub(super) trait Declare: Sized + Clone + Collector + 'static {
    fn make(opts: Opts, labels: &[&str], bounds: &[f64]) -> Result<Self>;

    /// A metric that the registry shows.
    fn declare(
        registry: &Registry,
        name: &str,
        help: &str,
        labels: &[&str],
        bounds: &[f64],
    ) -> Result<Self> {
        let metric = Self::make(Opts::new(name, help.trim()), labels, bounds)?;
        registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

macro_rules! plain {
    ($($kind:ty),*) => {$(
        impl Declare for $kind {
            fn make(opts: Opts, labels: &[&str], _: &[f64]) -> Result<Self> {
                Self::new(opts, labels)
            }
        }
    )*};
}

plain!(IntCounterVec, IntGaugeVec, GaugeVec);

impl Declare for HistogramVec {
    fn make(opts: Opts, labels: &[&str], bounds: &[f64]) -> Result<Self> {
        let opts = HistogramOpts { common_opts: opts, buckets: bounds.to_vec() };
        Self::new(opts, labels)
    }
}

/// A set of metrics: each field's doc comment is its help text.
macro_rules! metrics {
    (@bounds) => { &[] };
    (@bounds $bounds:expr) => { &$bounds };
    (
        $(#[doc = $about:literal])+
        struct $set:ident {$(
            $(#[doc = $help:literal])+
            $field:ident: $kind:ty = $name:literal [$($label:literal),*] $(in $bounds:expr)?;
        )+}
    ) => {
        $(#[doc = $about])+
        pub(super) struct $set {$(
            $(#[doc = $help])+
            pub(super) $field: $kind,
        )+}

        impl $set {
            /// The names of all metrics of the set.
            pub(super) const NAMES: &[&str] = &[$($name),+];

            /// The set, shown by the registry.
            pub(super) fn declare(registry: &prometheus::Registry) -> prometheus::Result<Self> {
                use $crate::observe::metrics::declare::Declare;

                Ok(Self {$(
                    $field: <$kind as Declare>::declare(
                        registry,
                        $name,
                        concat!($($help),+),
                        &[$($label),*],
                        $crate::observe::metrics::declare::metrics!(@bounds $($bounds)?),
                    )?,
                )+})
            }
        }
    };
}

pub(super) use metrics;
