-- The embedded catalog: what should exist, and where it can be had again.

-- "rstk": tells restock's own file from any other SQLite database.
PRAGMA application_id = 1920169067;

-- One row for each object. `digest` is the SHA-256 of its bytes, 64 lower-case hex digits; `size`
-- is in bytes, NULL where it is not known; times are RFC 3339 in UTC. Keys in the store are
-- `<collection>/<digest>`.
CREATE TABLE objects (
    digest     TEXT NOT NULL PRIMARY KEY,
    name       TEXT,
    size       INTEGER,
    collection TEXT NOT NULL DEFAULT 'software-installers',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

CREATE INDEX objects_by_collection ON objects (collection);

-- Where the bytes of an object can be had again; an object may have several sources, or none.
CREATE TABLE sources (
    digest TEXT NOT NULL REFERENCES objects (digest) ON DELETE CASCADE ON UPDATE CASCADE,
    url    TEXT NOT NULL,
    PRIMARY KEY (digest, url)
) WITHOUT ROWID;
