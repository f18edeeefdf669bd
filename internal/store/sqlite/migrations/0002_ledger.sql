-- The usage ledger and the decision log. Names are kept once and referred to by number.
CREATE TABLE names (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;

-- Where the last batch of each journal ended.
CREATE TABLE journals (
	id      BLOB PRIMARY KEY,
	segment INTEGER NOT NULL,
	offset  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Records of a journal that the version which met them could not decode.
CREATE TABLE unread (
	id     INTEGER PRIMARY KEY,
	record BLOB NOT NULL
) STRICT;

-- Durations are microseconds, costs billionths of a US dollar. Flags: 1 stream, 2 counted, 4 priced.
CREATE TABLE entries (
	id          BLOB PRIMARY KEY,
	request     TEXT NOT NULL,
	tenant      INTEGER NOT NULL,
	key         INTEGER NOT NULL,
	grp         INTEGER NOT NULL,
	deployment  INTEGER NOT NULL,
	provider    INTEGER NOT NULL,
	model       INTEGER NOT NULL,
	surface     INTEGER NOT NULL,
	policy      INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	status      INTEGER NOT NULL,
	error       INTEGER NOT NULL,
	flags       INTEGER NOT NULL,
	attempts    INTEGER NOT NULL,
	latency     INTEGER NOT NULL,
	first_token INTEGER NOT NULL,
	prompt      INTEGER NOT NULL,
	completion  INTEGER NOT NULL,
	cached      INTEGER NOT NULL,
	cache_write INTEGER NOT NULL,
	reasoning   INTEGER NOT NULL,
	cost        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_tenant ON entries (tenant, id);

-- Sums of entries, written with them.
CREATE TABLE days (
	day         INTEGER NOT NULL, -- since 1970, in UTC
	tenant      INTEGER NOT NULL,
	key         INTEGER NOT NULL,
	grp         INTEGER NOT NULL,
	deployment  INTEGER NOT NULL,
	provider    INTEGER NOT NULL,
	model       INTEGER NOT NULL,
	surface     INTEGER NOT NULL,
	requests    INTEGER NOT NULL,
	failed      INTEGER NOT NULL,
	unpriced    INTEGER NOT NULL,
	prompt      INTEGER NOT NULL,
	completion  INTEGER NOT NULL,
	cached      INTEGER NOT NULL,
	cache_write INTEGER NOT NULL,
	reasoning   INTEGER NOT NULL,
	cost        INTEGER NOT NULL,
	latency     INTEGER NOT NULL,
	PRIMARY KEY (day, tenant, key, grp, deployment, provider, model, surface)
) STRICT, WITHOUT ROWID;

CREATE INDEX days_by_tenant ON days (tenant, day);

CREATE TABLE blocks (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant INTEGER NOT NULL,
	first  BLOB NOT NULL,
	last   BLOB NOT NULL,
	count  INTEGER NOT NULL,
	bytes  INTEGER NOT NULL,
	data   BLOB NOT NULL
) STRICT;
CREATE INDEX blocks_by_tenant ON blocks (tenant, id, first, last, count, bytes);
