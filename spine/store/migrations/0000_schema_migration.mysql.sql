-- phase: expand
-- The migrator's own tables; made before every run, hence IF NOT EXISTS.

-- One row a step. A step whose `applied_at` is null was cut off after `statements_done`.
CREATE TABLE IF NOT EXISTS schema_migration (
  version BIGINT NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  phase VARCHAR(8) NOT NULL CHECK (phase IN ('expand', 'backfill', 'contract')),
  checksum BINARY(32) NOT NULL,
  statements_done BIGINT NOT NULL,
  statements_begun BIGINT NOT NULL,
  applied_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row. Who holds it may migrate; `token` grows with each holder and fences the one before.
CREATE TABLE IF NOT EXISTS schema_migration_lock (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  owner BINARY(16) NOT NULL,
  token BIGINT NOT NULL,
  lease_ends_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
