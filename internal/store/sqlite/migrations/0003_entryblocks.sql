-- Single entries of the ledger, packed: a block holds entries of one tenant, by their IDs ascending.
-- The IDs, 16 bytes each, stand apart from the rest, because they are read alone to tell what is
-- recorded already. The entries of version 2 are taken over in Go, and their table is dropped.
CREATE TABLE entry_blocks (
	id     INTEGER PRIMARY KEY,
	tenant INTEGER NOT NULL,
	first  BLOB NOT NULL,
	last   BLOB NOT NULL,
	count  INTEGER NOT NULL,
	ids    BLOB NOT NULL,
	data   BLOB NOT NULL
) STRICT;
CREATE INDEX entry_blocks_by_tenant ON entry_blocks (tenant, last, first);
