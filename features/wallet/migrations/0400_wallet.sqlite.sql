-- phase: expand
-- What a passbook shows of payments, and how far the jobs have come.

-- Where a member pays: the ledger knows the hold with its figures and state, this row names the shop and
-- keeps what a repeat must ask for alike.
CREATE TABLE wallet_payment (
  hold BLOB NOT NULL PRIMARY KEY CHECK (length(hold) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  unit INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  shop TEXT NOT NULL CHECK (length(shop) BETWEEN 1 AND 120),
  placed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- One row a job: where it goes on after a restart, and what its last round did.
CREATE TABLE wallet_job (
  name TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 40),
  position INTEGER NOT NULL CHECK (position >= 0),
  posted INTEGER NOT NULL CHECK (posted >= 0),
  refused INTEGER NOT NULL CHECK (refused >= 0),
  began_at INTEGER NOT NULL,
  noted_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
