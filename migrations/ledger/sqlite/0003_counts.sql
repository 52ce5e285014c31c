-- What is asked of findings and passes without reading them all, and losses that people accepted.

ALTER TABLE findings ADD COLUMN digest TEXT;
ALTER TABLE findings ADD COLUMN reason TEXT;
ALTER TABLE findings ADD COLUMN healable INTEGER;
ALTER TABLE findings ADD COLUMN unhealable TEXT;
ALTER TABLE findings ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
UPDATE findings SET
    digest = json_extract(body, '$.digest'),
    reason = json_extract(body, '$.reason'),
    healable = json_extract(body, '$.healable'),
    unhealable = json_extract(body, '$.unhealable'),
    accepted = json_extract(body, '$.accepted');

-- They are told by kind, collection and subject.
DROP INDEX findings_standing;
CREATE INDEX findings_standing ON findings (store, kind, collection, subject)
    WHERE closed_at IS NULL;
CREATE INDEX findings_of_object ON findings (store, digest) WHERE closed_at IS NULL;

-- The passes of one depth, those that are forgotten too.
CREATE TABLE pass_totals (
    store INTEGER NOT NULL REFERENCES stores (id),
    depth TEXT NOT NULL,
    runs INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    -- Of the last one that ended.
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    -- When the last one ended that did not fail.
    succeeded_at TEXT,
    PRIMARY KEY (store, depth)
) WITHOUT ROWID;
-- Columns beside the one max() are those of the row that it finds.
INSERT INTO pass_totals (store, depth, runs, failures, started_at, finished_at, succeeded_at)
    SELECT store, depth, count(*), sum(outcome = 'failed'), started_at, max(finished_at), NULL
    FROM passes GROUP BY store, depth;
UPDATE pass_totals SET succeeded_at = (
    SELECT max(finished_at) FROM passes
    WHERE passes.store = pass_totals.store AND passes.depth = pass_totals.depth
        AND passes.outcome <> 'failed');

-- Known losses, until they expire.
CREATE TABLE accepted (
    store INTEGER NOT NULL REFERENCES stores (id),
    digest TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_at TEXT NOT NULL,
    PRIMARY KEY (store, digest)
) WITHOUT ROWID;
