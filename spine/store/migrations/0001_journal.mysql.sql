-- phase: expand
-- The ledger's own tables. Only the journal writes them; rows of `movement`, `journal_group` and `account`
-- are never changed or deleted.

CREATE TABLE company (
  number BIGINT NOT NULL PRIMARY KEY,
  id BINARY(16) NOT NULL,
  code VARCHAR(64) NOT NULL,
  name VARCHAR(120) NOT NULL,
  opened_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE unit (
  number BIGINT NOT NULL PRIMARY KEY,
  code VARCHAR(8) NOT NULL,
  scale SMALLINT NOT NULL,
  issuer INT NOT NULL,
  spend_order VARCHAR(32) NOT NULL CHECK (spend_order IN ('free_before_paid', 'paid_before_free', 'earliest')),
  transferable SMALLINT NOT NULL,
  paid_may_be_paid_out SMALLINT NOT NULL,
  lot_lives VARCHAR(400) NOT NULL,
  idle_rules VARCHAR(400) NOT NULL,
  breakage BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- No index on the id: random values would cost every insert a page. Ids are looked up in memory.
CREATE TABLE account (
  number BIGINT NOT NULL PRIMARY KEY,
  id BINARY(16) NOT NULL,
  unit INT NOT NULL,
  company INT NOT NULL,
  side SMALLINT NOT NULL CHECK (side IN (0, 1)),
  rule SMALLINT NOT NULL CHECK (rule BETWEEN 0 AND 4),
  lots SMALLINT NOT NULL CHECK (lots IN (0, 1))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a movement, appended at the right edge and reached by seq only: a statement walks the chain of
-- `debit_prev` and `credit_prev`, so that no account index has to be paid for on every insert.
CREATE TABLE movement (
  seq BIGINT NOT NULL PRIMARY KEY,
  batch BINARY(16) NOT NULL,
  actor BIGINT NOT NULL,
  kind SMALLINT NOT NULL,
  code INT NOT NULL,
  debit INT UNSIGNED NOT NULL,
  credit INT UNSIGNED NOT NULL,
  debit_lot INT UNSIGNED NOT NULL,
  credit_lot INT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  at BIGINT NOT NULL,
  debit_prev BIGINT NOT NULL,
  credit_prev BIGINT NOT NULL,
  subject BINARY(16),
  due_at BIGINT,
  digest BIGINT,
  row_check INT UNSIGNED NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What one commit appended. The key is the fence: whoever appends a group on a state that is no longer the
-- newest finds its number taken.
CREATE TABLE journal_group (
  number BIGINT NOT NULL PRIMARY KEY,
  first_seq BIGINT NOT NULL,
  movements BIGINT NOT NULL,
  first_account BIGINT NOT NULL,
  accounts BIGINT NOT NULL,
  at BIGINT NOT NULL,
  writer BINARY(16) NOT NULL,
  hash BINARY(32) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Balances as of some seq, to start from; what is lost here is folded again from the journal.
CREATE TABLE checkpoint_page (
  kind SMALLINT NOT NULL,
  page BIGINT NOT NULL,
  content LONGBLOB NOT NULL,
  page_check BIGINT NOT NULL,
  PRIMARY KEY (kind, page)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Open holds and expectations as of some seq.
CREATE TABLE checkpoint_subject (
  kind SMALLINT NOT NULL,
  id BINARY(16) NOT NULL,
  content LONGBLOB NOT NULL,
  PRIMARY KEY (kind, id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: up to where the pages and the runs of ids are complete, and the secret of the id fingerprints.
CREATE TABLE checkpoint (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL,
  journal_group BIGINT NOT NULL,
  secret BINARY(16) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Sorted fingerprints of ids with the seqs they lead to; the key of a page is its run × 2³² + its place.
CREATE TABLE id_run (
  run BIGINT NOT NULL PRIMARY KEY,
  ids BIGINT NOT NULL,
  pages BIGINT NOT NULL,
  filter LONGBLOB NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE id_page (
  page_key BIGINT NOT NULL PRIMARY KEY,
  first_fingerprint BIGINT NOT NULL,
  content LONGBLOB NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
