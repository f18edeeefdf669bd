-- Tenants, keys and policies. Times are milliseconds since 1970, 0 is never; JSON is text.
PRAGMA application_id = 0x53594A31;

CREATE TABLE tenants (
	name     TEXT PRIMARY KEY,
	display  TEXT NOT NULL,
	state    INTEGER NOT NULL,
	allow    TEXT NOT NULL,
	limits   TEXT NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL,
	revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
	id       TEXT PRIMARY KEY,
	tenant   TEXT NOT NULL REFERENCES tenants (name),
	name     TEXT NOT NULL,
	scopes   INTEGER NOT NULL,
	limits   TEXT NOT NULL,
	disabled INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
	digest    BLOB PRIMARY KEY,
	key       TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
	hint      TEXT NOT NULL,
	created   INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	last_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_by_key ON secrets (key);

-- A module is there as long as a version has it.
CREATE TABLE modules (
	digest BLOB NOT NULL UNIQUE,
	code   BLOB NOT NULL
) STRICT;

-- A tenant may be one of the configuration, which is not in tenants.
CREATE TABLE policies (
	tenant   TEXT NOT NULL,
	name     TEXT NOT NULL,
	active   INTEGER NOT NULL,
	canary   INTEGER NOT NULL,
	share    INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Numbers outlive what they were given to: the ledger refers to versions.
CREATE TABLE version_numbers (
	tenant TEXT NOT NULL,
	policy TEXT NOT NULL,
	last   INTEGER NOT NULL,
	PRIMARY KEY (tenant, policy)
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
	tenant  TEXT NOT NULL,
	policy  TEXT NOT NULL,
	number  INTEGER NOT NULL,
	module  BLOB NOT NULL REFERENCES modules (digest),
	size    INTEGER NOT NULL,
	config  TEXT NOT NULL,
	author  TEXT NOT NULL,
	note    TEXT NOT NULL,
	created INTEGER NOT NULL,
	state   INTEGER NOT NULL,
	reason  TEXT NOT NULL,
	PRIMARY KEY (tenant, policy, number),
	FOREIGN KEY (tenant, policy) REFERENCES policies (tenant, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX versions_by_module ON versions (module);

CREATE TABLE changes (
	id          INTEGER PRIMARY KEY,
	tenant      TEXT NOT NULL,
	policy      TEXT NOT NULL,
	at          INTEGER NOT NULL,
	author      TEXT NOT NULL,
	reason      TEXT NOT NULL,
	from_active INTEGER NOT NULL,
	from_canary INTEGER NOT NULL,
	from_share  INTEGER NOT NULL,
	to_active   INTEGER NOT NULL,
	to_canary   INTEGER NOT NULL,
	to_share    INTEGER NOT NULL,
	FOREIGN KEY (tenant, policy) REFERENCES policies (tenant, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX changes_by_policy ON changes (tenant, policy, id);
