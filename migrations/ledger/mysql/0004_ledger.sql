-- The ledger on MySQL and MariaDB, as it is with the fourth version of the schema: the same tables
-- as in ../sqlite, where their meaning is told, and the lease.
--
-- Keys are bytes: a collation would take some of them for the same, and be it for a space at the
-- end. What stands in an index is cut to 1,024 bytes, since InnoDB takes 3,072 together. Tables and
-- their indexes are made only if they are absent, because those that are made outlive a crash half
-- way. `store` is the id of a store, which is never deleted: constraints would need one more
-- privilege.

CREATE TABLE IF NOT EXISTS stores (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    identity VARBINARY(1024) NOT NULL UNIQUE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS passes (
    store BIGINT NOT NULL,
    pass_id VARBINARY(255) NOT NULL,
    command VARCHAR(32) NOT NULL,
    depth VARCHAR(32) NOT NULL,
    slice VARCHAR(64),
    outcome VARCHAR(32) NOT NULL,
    is_full BIGINT NOT NULL,
    expected BIGINT,
    started_at VARCHAR(30) NOT NULL,
    finished_at VARCHAR(30) NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, pass_id),
    KEY passes_newest (store, finished_at, pass_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS pass_totals (
    store BIGINT NOT NULL,
    depth VARCHAR(32) NOT NULL,
    runs BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    started_at VARCHAR(30) NOT NULL,
    finished_at VARCHAR(30) NOT NULL,
    succeeded_at VARCHAR(30),
    PRIMARY KEY (store, depth)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS findings (
    store BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    subject VARBINARY(1024) NOT NULL,
    collection VARBINARY(512) NOT NULL,
    object_key VARBINARY(1024),
    digest VARCHAR(64),
    reason VARBINARY(255),
    healable BIGINT,
    unhealable VARCHAR(32),
    accepted BIGINT NOT NULL,
    first_seen VARCHAR(30) NOT NULL,
    last_seen VARCHAR(30) NOT NULL,
    last_pass VARBINARY(255) NOT NULL,
    closed_at VARCHAR(30),
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, kind, subject),
    KEY findings_standing (store, closed_at, kind, collection, subject),
    KEY findings_of_object (store, digest)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS corruptions (
    store BIGINT NOT NULL,
    object_key VARBINARY(1024) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    observed_digest VARCHAR(64) NOT NULL,
    size_bytes BIGINT NOT NULL,
    etag BLOB,
    modified_at VARCHAR(30),
    found_at VARCHAR(30) NOT NULL,
    PRIMARY KEY (store, object_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS sightings (
    store BIGINT NOT NULL,
    object_key VARBINARY(1024) NOT NULL,
    first_seen VARCHAR(30) NOT NULL,
    counted_at VARCHAR(30) NOT NULL,
    sightings BIGINT NOT NULL,
    PRIMARY KEY (store, object_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS attempts (
    store BIGINT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, digest)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS verdicts (
    store BIGINT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    source_id VARCHAR(64) NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, digest, source_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS repairs (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    store BIGINT NOT NULL,
    pass_id VARBINARY(255) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    ended_at VARCHAR(30) NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    KEY repairs_of_object (store, digest, ended_at),
    KEY repairs_by_age (store, ended_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS uploads (
    store BIGINT NOT NULL,
    object_key VARBINARY(1024) NOT NULL,
    upload_id VARBINARY(1024) NOT NULL,
    begun_at VARCHAR(30) NOT NULL,
    PRIMARY KEY (store, object_key, upload_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS breakers (
    store BIGINT PRIMARY KEY,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS notes (
    store BIGINT NOT NULL,
    name VARBINARY(255) NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS removals (
    store BIGINT NOT NULL,
    plan_id VARBINARY(255) NOT NULL,
    object_key VARBINARY(1024) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    ended_at VARCHAR(30) NOT NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, plan_id, object_key),
    KEY removals_of_object (store, digest),
    KEY removals_by_age (store, ended_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS accepted (
    store BIGINT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    until_day VARCHAR(10) NOT NULL,
    reason TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (store, digest)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;

-- Who works on a store, until when by this server's clock, and how often that changed hands: a
-- write of one who held it before is known by its older number.
CREATE TABLE IF NOT EXISTS leases (
    store BIGINT PRIMARY KEY,
    fence BIGINT NOT NULL,
    holder VARBINARY(64) NOT NULL,
    host VARBINARY(255) NOT NULL,
    pid BIGINT NOT NULL,
    -- Milliseconds since 1970.
    since_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET ascii COLLATE ascii_bin;
