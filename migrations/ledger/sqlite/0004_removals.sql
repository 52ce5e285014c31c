-- What a person's plans took away, or put back: the last word on each object of each plan.
CREATE TABLE removals (
    store INTEGER NOT NULL REFERENCES stores (id),
    plan_id TEXT NOT NULL,
    object_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store, plan_id, object_key)
) WITHOUT ROWID;
CREATE INDEX removals_of_object ON removals (store, digest);
CREATE INDEX removals_by_age ON removals (store, ended_at);
