-- phase: expand
-- The ledger's own tables. Only the journal writes them; rows of `movement`, `journal_group` and `account`
-- are never changed or deleted.

CREATE TABLE company (
  number INTEGER NOT NULL PRIMARY KEY,
  id BLOB NOT NULL CHECK (length(id) = 16),
  code TEXT NOT NULL CHECK (length(code) <= 64),
  name TEXT NOT NULL CHECK (length(name) <= 120),
  opened_at INTEGER NOT NULL
) STRICT;

CREATE TABLE unit (
  number INTEGER NOT NULL PRIMARY KEY,
  code TEXT NOT NULL CHECK (length(code) <= 8),
  scale INTEGER NOT NULL,
  issuer INTEGER NOT NULL,
  spend_order TEXT NOT NULL CHECK (spend_order IN ('free_before_paid', 'paid_before_free', 'earliest')),
  transferable INTEGER NOT NULL,
  paid_may_be_paid_out INTEGER NOT NULL,
  lot_lives TEXT NOT NULL CHECK (length(lot_lives) <= 400),
  idle_rules TEXT NOT NULL CHECK (length(idle_rules) <= 400),
  breakage INTEGER
) STRICT;

-- No index on the id: random values would cost every insert a page. Ids are looked up in memory.
CREATE TABLE account (
  number INTEGER NOT NULL PRIMARY KEY,
  id BLOB NOT NULL CHECK (length(id) = 16),
  unit INTEGER NOT NULL,
  company INTEGER NOT NULL,
  side INTEGER NOT NULL CHECK (side IN (0, 1)),
  rule INTEGER NOT NULL CHECK (rule BETWEEN 0 AND 4),
  lots INTEGER NOT NULL CHECK (lots IN (0, 1))
) STRICT;

-- One row a movement, appended at the right edge and reached by seq only: a statement walks the chain of
-- `debit_prev` and `credit_prev`, so that no account index has to be paid for on every insert.
CREATE TABLE movement (
  seq INTEGER NOT NULL PRIMARY KEY,
  batch BLOB NOT NULL,
  actor INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  code INTEGER NOT NULL,
  debit INTEGER NOT NULL,
  credit INTEGER NOT NULL,
  debit_lot INTEGER NOT NULL,
  credit_lot INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  at INTEGER NOT NULL,
  debit_prev INTEGER NOT NULL,
  credit_prev INTEGER NOT NULL,
  subject BLOB,
  due_at INTEGER,
  digest INTEGER,
  row_check INTEGER NOT NULL
) STRICT;

-- What one commit appended. The key is the fence: whoever appends a group on a state that is no longer the
-- newest finds its number taken.
CREATE TABLE journal_group (
  number INTEGER NOT NULL PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  movements INTEGER NOT NULL,
  first_account INTEGER NOT NULL,
  accounts INTEGER NOT NULL,
  at INTEGER NOT NULL,
  writer BLOB NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Balances as of some seq, to start from; what is lost here is folded again from the journal.
CREATE TABLE checkpoint_page (
  kind INTEGER NOT NULL,
  page INTEGER NOT NULL,
  content BLOB NOT NULL,
  page_check INTEGER NOT NULL,
  PRIMARY KEY (kind, page)
) STRICT;

-- Open holds and expectations as of some seq.
CREATE TABLE checkpoint_subject (
  kind INTEGER NOT NULL,
  id BLOB NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;

-- One row: up to where the pages and the runs of ids are complete, and the secret of the id fingerprints.
CREATE TABLE checkpoint (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL,
  journal_group INTEGER NOT NULL,
  secret BLOB NOT NULL CHECK (length(secret) = 16)
) STRICT;

-- Sorted fingerprints of ids with the seqs they lead to; the key of a page is its run × 2³² + its place.
CREATE TABLE id_run (
  run INTEGER NOT NULL PRIMARY KEY,
  ids INTEGER NOT NULL,
  pages INTEGER NOT NULL,
  filter BLOB NOT NULL
) STRICT;

CREATE TABLE id_page (
  page_key INTEGER NOT NULL PRIMARY KEY,
  first_fingerprint INTEGER NOT NULL,
  content BLOB NOT NULL
) STRICT;
