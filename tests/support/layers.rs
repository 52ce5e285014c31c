//! The layers of `src/`, and what each module may import.

/// What a module may import besides itself.
pub(crate) enum May {
    /// These modules.
    Only(&'static [&'static str]),
    /// Every module of a layer below.
    Below,
}

/// The layers of `src/`, lowest first. A new module gets a layer before it gets code.
pub(crate) const LAYERS: &[&[(&str, May)]] = &[
    &[("model", May::Only(&[])), ("clock", May::Only(&[]))],
    &[
        ("reconcile", May::Only(&["model"])),
        ("plan", May::Only(&["model"])),
        ("database", May::Only(&["model"])),
        ("files", May::Only(&[])),
    ],
    &[
        ("catalog", May::Only(&["model", "database"])),
        ("store", May::Only(&["model"])),
        ("source", May::Only(&["model"])),
        ("ledger", May::Only(&["model", "database", "files"])),
        ("sorter", May::Only(&["model"])),
        ("observe", May::Only(&["model", "plan"])),
        ("gitops", May::Only(&["model"])),
    ],
    &[("heal", May::Below)],
    &[
        ("pass", May::Below),
        ("import", May::Below),
        ("removal", May::Below),
        ("preflight", May::Below),
        ("survey", May::Below),
    ],
    &[
        (
            "report",
            May::Only(&[
                "model",
                "clock",
                "files",
                "plan",
                "observe",
                "gitops",
                "pass",
                "preflight",
                "removal",
                "survey",
            ]),
        ),
        ("daemon", May::Below),
    ],
    &[("inspect", May::Below)],
    &[("http", May::Below)],
    &[("config", May::Below)],
    &[("cli", May::Below)],
    // The crate's root and the binary are the wiring.
    &[("lib", May::Below), ("main", May::Below)],
];
