-- phase: expand
-- Exchanges: what points can be turned into, where to, how far each is, the codes and files of them.

-- Every version of a destination stays: an exchange is explained by the terms it was quoted under.
CREATE TABLE site_destination (
  company BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  effective_from BIGINT NOT NULL,
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('bank', 'gift_code', 'pooled_code', 'partner_points')),
  name VARCHAR(120) NOT NULL,
  name_english VARCHAR(120) NOT NULL,
  product VARCHAR(64) NOT NULL,
  unit VARCHAR(16) NOT NULL,
  minimum BIGINT NOT NULL CHECK (minimum >= 0),
  step BIGINT NOT NULL CHECK (step >= 0),
  rate_numerator BIGINT NOT NULL CHECK (rate_numerator >= 0),
  rate_denominator BIGINT NOT NULL CHECK (rate_denominator > 0),
  rounding VARCHAR(20) NOT NULL CHECK (rounding IN ('down', 'up', 'half_up', 'half_even')),
  fee BIGINT NOT NULL CHECK (fee >= 0),
  lead_days BIGINT NOT NULL,
  quote_minutes BIGINT NOT NULL,
  limit_group VARCHAR(64) NOT NULL,
  opening VARCHAR(20) NOT NULL CHECK (opening IN ('open', 'paused')),
  saved_at BIGINT NOT NULL,
  saved_by BIGINT NOT NULL,
  PRIMARY KEY (company, code, effective_from)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How much a member may exchange in all destinations of a group; null is no limit.
CREATE TABLE site_limit_group (
  company BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  daily BIGINT CHECK (daily >= 0),
  monthly BIGINT CHECK (monthly >= 0),
  saved_at BIGINT NOT NULL,
  PRIMARY KEY (company, code)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where a member has exchanges go: a bank account, an account at a partner. What names a person is sealed;
-- `shown` is masked.
CREATE TABLE site_payee (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('bank', 'partner')),
  sealed VARBINARY(2000) NOT NULL,
  sealed_by BIGINT NOT NULL,
  shown VARCHAR(120) NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('active', 'replaced', 'blocked')),
  registered_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A member's own, the newest last.
CREATE INDEX site_payee_member ON site_payee (member, registered_at, id);

-- The same account in the hands of several members is found by its fingerprint.
CREATE INDEX site_payee_fingerprint ON site_payee (fingerprint);

-- When a particular of a member last changed: some days of care follow.
CREATE TABLE site_particular (
  member BINARY(16) NOT NULL,
  particular VARCHAR(20) NOT NULL CHECK (particular IN ('phone', 'mail', 'bank_account')),
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (member, particular)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- An exchange as it stands. The id sorts by when it was quoted.
CREATE TABLE site_exchange (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  state VARCHAR(20) NOT NULL
    CHECK (state IN ('quoted', 'expired', 'accepted', 'held', 'sent', 'unknown', 'completed', 'failed',
      'returned', 'cancelled')),
  state_at BIGINT NOT NULL,
  clearance VARCHAR(20) CHECK (clearance IN ('free', 'review')),
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('bank', 'gift_code', 'pooled_code', 'partner_points')),
  destination VARCHAR(64) NOT NULL,
  effective_from BIGINT NOT NULL,
  product VARCHAR(64) NOT NULL,
  limit_group VARCHAR(64) NOT NULL,
  points BIGINT NOT NULL CHECK (points >= 0),
  fee BIGINT NOT NULL CHECK (fee >= 0),
  turned BIGINT NOT NULL CHECK (turned >= 0),
  remainder BIGINT NOT NULL CHECK (remainder >= 0),
  value BIGINT NOT NULL CHECK (value >= 0),
  unit VARCHAR(16) NOT NULL,
  rate_numerator BIGINT NOT NULL CHECK (rate_numerator >= 0),
  rate_denominator BIGINT NOT NULL CHECK (rate_denominator > 0),
  rounding VARCHAR(20) NOT NULL CHECK (rounding IN ('down', 'up', 'half_up', 'half_even')),
  valid_minutes BIGINT NOT NULL,
  lead_days BIGINT NOT NULL,
  quoted_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  accepted_at BIGINT,
  due_on BIGINT,
  payee BINARY(16),
  payout BINARY(16),
  rules VARCHAR(240) NOT NULL,
  reason VARCHAR(40),
  attempts BIGINT NOT NULL CHECK (attempts >= 0),
  next_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A member's history, the newest first.
CREATE INDEX site_exchange_member ON site_exchange (member, id);

-- What a member has exchanged this month, for limits.
CREATE INDEX site_exchange_accepted ON site_exchange (member, accepted_at);

-- Whether a member has completed one with a destination before.
CREATE INDEX site_exchange_custom ON site_exchange (member, state, destination);

-- What jobs and the maker of payouts are to look at next; null there is nobody's turn.
CREATE INDEX site_exchange_due ON site_exchange (company, state, kind, next_at, id);

-- The staff's list by state, the newest first.
CREATE INDEX site_exchange_state ON site_exchange (company, state, id);

-- The exchanges of a payout, in the order of its file.
CREATE INDEX site_exchange_payout ON site_exchange (payout, id);

-- Every state an exchange was in, by what and by whom. Only ever added to.
CREATE TABLE site_exchange_version (
  exchange BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  at BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL,
  event VARCHAR(20) NOT NULL,
  actor BIGINT NOT NULL,
  reason VARCHAR(40),
  PRIMARY KEY (exchange, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What somebody proposed about an exchange that waits for a person; somebody else decides.
CREATE TABLE site_exchange_proposal (
  exchange BINARY(16) NOT NULL PRIMARY KEY,
  verdict VARCHAR(20) NOT NULL CHECK (verdict IN ('release', 'deny')),
  reason VARCHAR(120) NOT NULL,
  proposed_by BIGINT NOT NULL,
  proposed_at BIGINT NOT NULL,
  decided_by BIGINT,
  decided_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One more proof for an exchange: a code sent by mail, kept as a keyed hash.
CREATE TABLE site_step_up (
  exchange BINARY(16) NOT NULL PRIMARY KEY,
  code_hash BINARY(32) NOT NULL,
  sends BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  passed_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A bought list of gift codes. The id follows from pool and the file's SHA-256: the same file is the same
-- import.
CREATE TABLE site_gift_import (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  pool VARCHAR(64) NOT NULL,
  file_name VARCHAR(120) NOT NULL,
  added BIGINT NOT NULL,
  known BIGINT NOT NULL,
  imported_by BIGINT NOT NULL,
  imported_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The history on the staff page, the newest first.
CREATE INDEX site_gift_import_company ON site_gift_import (company, imported_at, id);

-- A code of a pool. The id is a keyed hash of the code, so that one code is one row whatever list it came in.
-- `shelf` follows from company, pool and value.
CREATE TABLE site_gift_code (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  pool VARCHAR(64) NOT NULL,
  value BIGINT NOT NULL CHECK (value > 0),
  shelf BINARY(16) NOT NULL,
  number BIGINT NOT NULL,
  import BINARY(16) NOT NULL,
  sealed VARBINARY(400) NOT NULL,
  sealed_by BIGINT NOT NULL,
  last_four VARCHAR(4) NOT NULL,
  usable_until BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('free', 'reserved', 'given', 'void')),
  exchange BINARY(16),
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The next code of a shelf: the one that ends first.
CREATE INDEX site_gift_code_shelf ON site_gift_code (shelf, state, usable_until, number, id);

-- Stock by pool and value.
CREATE INDEX site_gift_code_stock ON site_gift_code (company, pool, value, state);

-- The one code of an exchange, from a pool or a partner.
CREATE TABLE site_gift_issue (
  exchange BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  sealed VARBINARY(400) NOT NULL,
  sealed_by BIGINT NOT NULL,
  last_four VARCHAR(4) NOT NULL,
  usable_until BIGINT NOT NULL,
  issued_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Exchanges that are paid together. The id follows from company and number. The file is kept as it was made, so
-- that it is the same whenever it is taken.
CREATE TABLE site_payout (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  number BIGINT NOT NULL CHECK (number > 0),
  state VARCHAR(20) NOT NULL CHECK (state IN ('draft', 'approved', 'discarded')),
  pay_on BIGINT NOT NULL,
  line_count BIGINT NOT NULL,
  total BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  made_at BIGINT NOT NULL,
  decided_by BIGINT,
  decided_at BIGINT,
  digest BINARY(32),
  sealed MEDIUMBLOB,
  sealed_by BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The list on the staff page, the newest first; and the next number.
CREATE INDEX site_payout_company ON site_payout (company, number);

-- What the bank said of a payout. The id follows from payout and the file's SHA-256: the same file is the same.
CREATE TABLE site_payout_result (
  id BINARY(16) NOT NULL PRIMARY KEY,
  payout BINARY(16) NOT NULL,
  file_name VARCHAR(120) NOT NULL,
  sealed MEDIUMBLOB NOT NULL,
  sealed_by BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('checked', 'applied')),
  uploaded_by BIGINT NOT NULL,
  uploaded_at BIGINT NOT NULL,
  applied_by BIGINT,
  applied_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The files of a payout, in the order they came.
CREATE INDEX site_payout_result_payout ON site_payout_result (payout, uploaded_at, id);
