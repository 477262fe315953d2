-- phase: expand
-- What a passbook shows of payments, and how far the jobs have come.

-- Where a member pays: the ledger knows the hold with its figures and state, this row names the shop and
-- keeps what a repeat must ask for alike.
CREATE TABLE wallet_payment (
  hold BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  unit BIGINT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  shop VARCHAR(120) NOT NULL,
  placed_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a job: where it goes on after a restart, and what its last round did.
CREATE TABLE wallet_job (
  name VARCHAR(40) NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL CHECK (position >= 0),
  posted BIGINT NOT NULL CHECK (posted >= 0),
  refused BIGINT NOT NULL CHECK (refused >= 0),
  began_at BIGINT NOT NULL,
  noted_at BIGINT NOT NULL,
  finished_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
