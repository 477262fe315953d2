-- phase: expand
-- The migrator's own tables; made before every run, hence IF NOT EXISTS.

-- One row a step. A step whose `applied_at` is null was cut off after `statements_done`.
CREATE TABLE IF NOT EXISTS schema_migration (
  version INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL CHECK (length(name) <= 100),
  phase TEXT NOT NULL CHECK (phase IN ('expand', 'backfill', 'contract')),
  checksum BLOB NOT NULL CHECK (length(checksum) = 32),
  statements_done INTEGER NOT NULL,
  statements_begun INTEGER NOT NULL,
  applied_at INTEGER
) STRICT;

-- One row. Who holds it may migrate; `token` grows with each holder and fences the one before.
CREATE TABLE IF NOT EXISTS schema_migration_lock (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  owner BLOB NOT NULL CHECK (length(owner) = 16),
  token INTEGER NOT NULL,
  lease_ends_at INTEGER NOT NULL
) STRICT;
