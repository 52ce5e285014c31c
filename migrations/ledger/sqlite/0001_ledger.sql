-- The ledger: what was found and done, durably. Every row belongs to one store.
--
-- Times are RFC 3339 in UTC with nine decimals: they sort as text, lose nothing, and can be read
-- with any client. Columns beside a `body` are those that queries need; the body is the JSON of
-- the whole value. `object_key` is not called `key` because other databases reserve that word.

-- "rstk" in ASCII: by this a file is known as a ledger.
PRAGMA application_id = 0x7273746b;

CREATE TABLE stores (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE
);

CREATE TABLE passes (
    store INTEGER NOT NULL REFERENCES stores (id),
    pass_id TEXT NOT NULL,
    command TEXT NOT NULL,
    depth TEXT NOT NULL,
    slice TEXT,
    outcome TEXT NOT NULL,
    -- 1 where the pass went over everything and established all counts.
    is_full INTEGER NOT NULL,
    expected INTEGER,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store, pass_id)
);
CREATE INDEX passes_newest ON passes (store, finished_at);

CREATE TABLE findings (
    store INTEGER NOT NULL REFERENCES stores (id),
    kind TEXT NOT NULL,
    -- The object's key, or for a row without one its collection and what it shows.
    subject TEXT NOT NULL,
    collection TEXT NOT NULL,
    object_key TEXT,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    last_pass TEXT NOT NULL,
    -- When a full pass no longer saw it; null while it stands.
    closed_at TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (store, kind, subject)
);
CREATE INDEX findings_standing ON findings (store, kind, collection, object_key)
    WHERE closed_at IS NULL;

CREATE TABLE corruptions (
    store INTEGER NOT NULL REFERENCES stores (id),
    object_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    observed_digest TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    etag TEXT,
    modified_at TEXT,
    found_at TEXT NOT NULL,
    PRIMARY KEY (store, object_key)
) WITHOUT ROWID;

CREATE TABLE sightings (
    store INTEGER NOT NULL REFERENCES stores (id),
    object_key TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    counted_at TEXT NOT NULL,
    sightings INTEGER NOT NULL,
    PRIMARY KEY (store, object_key)
) WITHOUT ROWID;

CREATE TABLE attempts (
    store INTEGER NOT NULL REFERENCES stores (id),
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store, digest)
) WITHOUT ROWID;

CREATE TABLE verdicts (
    store INTEGER NOT NULL REFERENCES stores (id),
    digest TEXT NOT NULL,
    source_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store, digest, source_id)
) WITHOUT ROWID;

CREATE TABLE repairs (
    id INTEGER PRIMARY KEY,
    store INTEGER NOT NULL REFERENCES stores (id),
    -- No reference: a repair is written down before its pass has ended.
    pass_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX repairs_of_object ON repairs (store, digest, ended_at);
CREATE INDEX repairs_by_age ON repairs (store, ended_at);

CREATE TABLE uploads (
    store INTEGER NOT NULL REFERENCES stores (id),
    object_key TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    PRIMARY KEY (store, object_key, upload_id)
) WITHOUT ROWID;

CREATE TABLE breakers (
    store INTEGER PRIMARY KEY REFERENCES stores (id),
    body TEXT NOT NULL
);
