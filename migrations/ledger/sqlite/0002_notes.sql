-- What a daemon notes for the next one: how far reading has come, whether healing is paused.
CREATE TABLE notes (
    store INTEGER NOT NULL REFERENCES stores (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store, name)
) WITHOUT ROWID;
