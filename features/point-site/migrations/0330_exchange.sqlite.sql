-- phase: expand
-- Exchanges: what points can be turned into, where to, how far each is, the codes and files of them.

-- Every version of a destination stays: an exchange is explained by the terms it was quoted under.
CREATE TABLE site_destination (
  company INTEGER NOT NULL,
  code TEXT NOT NULL CHECK (length(code) <= 64),
  effective_from INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('bank', 'gift_code', 'pooled_code', 'partner_points')),
  name TEXT NOT NULL CHECK (length(name) <= 120),
  name_english TEXT NOT NULL CHECK (length(name_english) <= 120),
  product TEXT NOT NULL CHECK (length(product) <= 64),
  unit TEXT NOT NULL CHECK (length(unit) <= 16),
  minimum INTEGER NOT NULL CHECK (minimum >= 0),
  step INTEGER NOT NULL CHECK (step >= 0),
  rate_numerator INTEGER NOT NULL CHECK (rate_numerator >= 0),
  rate_denominator INTEGER NOT NULL CHECK (rate_denominator > 0),
  rounding TEXT NOT NULL CHECK (rounding IN ('down', 'up', 'half_up', 'half_even')),
  fee INTEGER NOT NULL CHECK (fee >= 0),
  lead_days INTEGER NOT NULL,
  quote_minutes INTEGER NOT NULL,
  limit_group TEXT NOT NULL CHECK (length(limit_group) <= 64),
  opening TEXT NOT NULL CHECK (opening IN ('open', 'paused')),
  saved_at INTEGER NOT NULL,
  saved_by INTEGER NOT NULL,
  PRIMARY KEY (company, code, effective_from)
) STRICT, WITHOUT ROWID;

-- How much a member may exchange in all destinations of a group; null is no limit.
CREATE TABLE site_limit_group (
  company INTEGER NOT NULL,
  code TEXT NOT NULL CHECK (length(code) <= 64),
  daily INTEGER CHECK (daily >= 0),
  monthly INTEGER CHECK (monthly >= 0),
  saved_at INTEGER NOT NULL,
  PRIMARY KEY (company, code)
) STRICT, WITHOUT ROWID;

-- Where a member has exchanges go: a bank account, an account at a partner. What names a person is sealed;
-- `shown` is masked.
CREATE TABLE site_payee (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  kind TEXT NOT NULL CHECK (kind IN ('bank', 'partner')),
  sealed BLOB NOT NULL CHECK (length(sealed) <= 2000),
  sealed_by INTEGER NOT NULL,
  shown TEXT NOT NULL CHECK (length(shown) <= 120),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  state TEXT NOT NULL CHECK (state IN ('active', 'replaced', 'blocked')),
  registered_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- A member's own, the newest last.
CREATE INDEX site_payee_member ON site_payee (member, registered_at, id);

-- The same account in the hands of several members is found by its fingerprint.
CREATE INDEX site_payee_fingerprint ON site_payee (fingerprint);

-- When a particular of a member last changed: some days of care follow.
CREATE TABLE site_particular (
  member BLOB NOT NULL CHECK (length(member) = 16),
  particular TEXT NOT NULL CHECK (particular IN ('phone', 'mail', 'bank_account')),
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (member, particular)
) STRICT, WITHOUT ROWID;

-- An exchange as it stands. The id sorts by when it was quoted.
CREATE TABLE site_exchange (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  version INTEGER NOT NULL CHECK (version > 0),
  state TEXT NOT NULL
    CHECK (state IN ('quoted', 'expired', 'accepted', 'held', 'sent', 'unknown', 'completed', 'failed',
      'returned', 'cancelled')),
  state_at INTEGER NOT NULL,
  clearance TEXT CHECK (clearance IN ('free', 'review')),
  kind TEXT NOT NULL CHECK (kind IN ('bank', 'gift_code', 'pooled_code', 'partner_points')),
  destination TEXT NOT NULL CHECK (length(destination) <= 64),
  effective_from INTEGER NOT NULL,
  product TEXT NOT NULL CHECK (length(product) <= 64),
  limit_group TEXT NOT NULL CHECK (length(limit_group) <= 64),
  points INTEGER NOT NULL CHECK (points >= 0),
  fee INTEGER NOT NULL CHECK (fee >= 0),
  turned INTEGER NOT NULL CHECK (turned >= 0),
  remainder INTEGER NOT NULL CHECK (remainder >= 0),
  value INTEGER NOT NULL CHECK (value >= 0),
  unit TEXT NOT NULL CHECK (length(unit) <= 16),
  rate_numerator INTEGER NOT NULL CHECK (rate_numerator >= 0),
  rate_denominator INTEGER NOT NULL CHECK (rate_denominator > 0),
  rounding TEXT NOT NULL CHECK (rounding IN ('down', 'up', 'half_up', 'half_even')),
  valid_minutes INTEGER NOT NULL,
  lead_days INTEGER NOT NULL,
  quoted_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  accepted_at INTEGER,
  due_on INTEGER,
  payee BLOB CHECK (length(payee) = 16),
  payout BLOB CHECK (length(payout) = 16),
  rules TEXT NOT NULL CHECK (length(rules) <= 240),
  reason TEXT CHECK (length(reason) <= 40),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  next_at INTEGER
) STRICT, WITHOUT ROWID;

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
  exchange BLOB NOT NULL CHECK (length(exchange) = 16),
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (length(state) <= 20),
  event TEXT NOT NULL CHECK (length(event) <= 20),
  actor INTEGER NOT NULL,
  reason TEXT CHECK (length(reason) <= 40),
  PRIMARY KEY (exchange, version)
) STRICT, WITHOUT ROWID;

-- What somebody proposed about an exchange that waits for a person; somebody else decides.
CREATE TABLE site_exchange_proposal (
  exchange BLOB NOT NULL PRIMARY KEY CHECK (length(exchange) = 16),
  verdict TEXT NOT NULL CHECK (verdict IN ('release', 'deny')),
  reason TEXT NOT NULL CHECK (length(reason) <= 120),
  proposed_by INTEGER NOT NULL,
  proposed_at INTEGER NOT NULL,
  decided_by INTEGER,
  decided_at INTEGER
) STRICT, WITHOUT ROWID;

-- One more proof for an exchange: a code sent by mail, kept as a keyed hash.
CREATE TABLE site_step_up (
  exchange BLOB NOT NULL PRIMARY KEY CHECK (length(exchange) = 16),
  code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
  sends INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  passed_at INTEGER
) STRICT, WITHOUT ROWID;

-- A bought list of gift codes. The id follows from pool and the file's SHA-256: the same file is the same
-- import.
CREATE TABLE site_gift_import (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  pool TEXT NOT NULL CHECK (length(pool) <= 64),
  file_name TEXT NOT NULL CHECK (length(file_name) <= 120),
  added INTEGER NOT NULL,
  known INTEGER NOT NULL,
  imported_by INTEGER NOT NULL,
  imported_at INTEGER NOT NULL
) STRICT;

-- The history on the staff page, the newest first.
CREATE INDEX site_gift_import_company ON site_gift_import (company, imported_at, id);

-- A code of a pool. The id is a keyed hash of the code, so that one code is one row whatever list it came in.
-- `shelf` follows from company, pool and value.
CREATE TABLE site_gift_code (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  pool TEXT NOT NULL CHECK (length(pool) <= 64),
  value INTEGER NOT NULL CHECK (value > 0),
  shelf BLOB NOT NULL CHECK (length(shelf) = 16),
  number INTEGER NOT NULL,
  import BLOB NOT NULL CHECK (length(import) = 16),
  sealed BLOB NOT NULL CHECK (length(sealed) <= 400),
  sealed_by INTEGER NOT NULL,
  last_four TEXT NOT NULL CHECK (length(last_four) <= 4),
  usable_until INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('free', 'reserved', 'given', 'void')),
  exchange BLOB CHECK (length(exchange) = 16),
  changed_at INTEGER NOT NULL
) STRICT;

-- The next code of a shelf: the one that ends first.
CREATE INDEX site_gift_code_shelf ON site_gift_code (shelf, state, usable_until, number, id);

-- Stock by pool and value.
CREATE INDEX site_gift_code_stock ON site_gift_code (company, pool, value, state);

-- The one code of an exchange, from a pool or a partner.
CREATE TABLE site_gift_issue (
  exchange BLOB NOT NULL PRIMARY KEY CHECK (length(exchange) = 16),
  company INTEGER NOT NULL,
  sealed BLOB NOT NULL CHECK (length(sealed) <= 400),
  sealed_by INTEGER NOT NULL,
  last_four TEXT NOT NULL CHECK (length(last_four) <= 4),
  usable_until INTEGER NOT NULL,
  issued_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Exchanges that are paid together. The id follows from company and number. The file is kept as it was made, so
-- that it is the same whenever it is taken.
CREATE TABLE site_payout (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  state TEXT NOT NULL CHECK (state IN ('draft', 'approved', 'discarded')),
  pay_on INTEGER NOT NULL,
  line_count INTEGER NOT NULL,
  total INTEGER NOT NULL,
  made_by INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  decided_by INTEGER,
  decided_at INTEGER,
  digest BLOB CHECK (length(digest) = 32),
  sealed BLOB CHECK (length(sealed) <= 1000000),
  sealed_by INTEGER
) STRICT;

-- The list on the staff page, the newest first; and the next number.
CREATE INDEX site_payout_company ON site_payout (company, number);

-- What the bank said of a payout. The id follows from payout and the file's SHA-256: the same file is the same.
CREATE TABLE site_payout_result (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  payout BLOB NOT NULL CHECK (length(payout) = 16),
  file_name TEXT NOT NULL CHECK (length(file_name) <= 120),
  sealed BLOB NOT NULL CHECK (length(sealed) <= 1000000),
  sealed_by INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('checked', 'applied')),
  uploaded_by INTEGER NOT NULL,
  uploaded_at INTEGER NOT NULL,
  applied_by INTEGER,
  applied_at INTEGER
) STRICT;

-- The files of a payout, in the order they came.
CREATE INDEX site_payout_result_payout ON site_payout_result (payout, uploaded_at, id);
