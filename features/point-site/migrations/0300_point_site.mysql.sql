-- phase: expand
-- The point site: what is offered, who went out, what the networks said, what became of it.

-- A shop is known by its slug within its company; its id follows from the two.
CREATE TABLE site_shop (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  slug VARCHAR(64) NOT NULL,
  name VARCHAR(120) NOT NULL,
  reading VARCHAR(240) NOT NULL,
  category VARCHAR(64) NOT NULL,
  listed BIGINT NOT NULL CHECK (listed IN (0, 1)),
  saved_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every version of an offer stays: a click is paid by the terms it was made under.
CREATE TABLE site_offer (
  id BINARY(16) NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  company BIGINT NOT NULL,
  shop BINARY(16) NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  reward_kind VARCHAR(10) NOT NULL CHECK (reward_kind IN ('fixed', 'rate')),
  reward BIGINT NOT NULL CHECK (reward >= 0),
  member_part BIGINT NOT NULL CHECK (member_part >= 0),
  record_by_days BIGINT NOT NULL,
  decide_by_days BIGINT NOT NULL,
  cookie_days BIGINT NOT NULL,
  conditions VARCHAR(4000) NOT NULL,
  rejections VARCHAR(4000) NOT NULL,
  tracking_url VARCHAR(1000) NOT NULL,
  repeat_kind VARCHAR(10) NOT NULL CHECK (repeat_kind IN ('always', 'once')),
  guaranteed BIGINT NOT NULL CHECK (guaranteed IN (0, 1)),
  conversions_max BIGINT CHECK (conversions_max > 0),
  commission_max BIGINT CHECK (commission_max > 0),
  tier_count BIGINT NOT NULL,
  starts_at BIGINT NOT NULL,
  ends_at BIGINT,
  saved_at BIGINT NOT NULL,
  PRIMARY KEY (id, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The id is the reference that the network gives back; it sorts by time, so that rows are appended.
CREATE TABLE site_click (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  shop BINARY(16) NOT NULL,
  offer BINARY(16) NOT NULL,
  offer_version BIGINT NOT NULL,
  clicked_at BIGINT NOT NULL,
  mark VARCHAR(10) CHECK (mark IN ('bot', 'burst', 'repeat'))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A member's own list, the newest first.
CREATE INDEX site_click_member ON site_click (member, id);

-- What a network sent, as it came. Only ever added to.
CREATE TABLE site_message (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  received_at BIGINT NOT NULL,
  request MEDIUMTEXT NOT NULL,
  digest BINARY(32) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What became of a message, apart from it, so that the message itself never changes.
CREATE TABLE site_message_work (
  message BINARY(16) NOT NULL PRIMARY KEY,
  state VARCHAR(10) NOT NULL CHECK (state IN ('waiting', 'done', 'unreadable')),
  conversion BINARY(16),
  outcome VARCHAR(40) NOT NULL,
  done_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The job takes what waits, the oldest first.
CREATE INDEX site_message_work_state ON site_message_work (state, message);

-- A conversion as it stands. The id sorts by when it occurred, so that what a report decides
-- together stands together.
CREATE TABLE site_conversion (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  external_id VARCHAR(120) NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  click BINARY(16),
  member BINARY(16),
  shop BINARY(16),
  offer BINARY(16),
  offer_version BIGINT,
  clicked_at BIGINT,
  order_ref VARCHAR(120),
  item VARCHAR(120),
  occurred_at BIGINT NOT NULL,
  tracked_at BIGINT NOT NULL,
  due_at BIGINT,
  decided_at BIGINT,
  changed_at BIGINT NOT NULL,
  sale BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  points BIGINT NOT NULL CHECK (points >= 0),
  state VARCHAR(12) NOT NULL
    CHECK (state IN ('needs_review', 'tracked', 'approved', 'rejected', 'reversed')),
  expectation BINARY(16),
  claimed VARCHAR(10) CHECK (claimed IN ('occurred', 'approved', 'rejected')),
  review VARCHAR(40),
  reason VARCHAR(120)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A statement names a conversion by the network's own id.
CREATE UNIQUE INDEX site_conversion_key
  ON site_conversion (company, external_id, network, account);

-- The member's list of clicks shows what became of each.
CREATE INDEX site_conversion_click ON site_conversion (click);

-- The same order over two networks is found by its number.
CREATE INDEX site_conversion_order
  ON site_conversion (company, order_ref, network, account, shop);

-- Every state a conversion was in, what was the cause, and what its batch did in the ledger. Only ever
-- added to.
CREATE TABLE site_conversion_version (
  conversion BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  at BIGINT NOT NULL,
  state VARCHAR(12) NOT NULL,
  sale BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  points BIGINT NOT NULL,
  outcome VARCHAR(40) NOT NULL,
  source VARCHAR(10) NOT NULL CHECK (source IN ('postback', 'report', 'decision', 'undo')),
  source_id BINARY(16) NOT NULL,
  posting VARCHAR(12) CHECK (posting IN ('note', 'grant', 'correction', 'reversal')),
  PRIMARY KEY (conversion, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The rows that add up to a conversion, at networks that restate by adding rows. Only ever added to.
CREATE TABLE site_conversion_entry (
  conversion BINARY(16) NOT NULL,
  entry VARCHAR(120) NOT NULL,
  sale BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  PRIMARY KEY (conversion, entry)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A network's file of decisions. The id follows from network, account and the file's SHA-256: the same
-- file is the same report.
CREATE TABLE site_report (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  digest BINARY(32) NOT NULL,
  file_name VARCHAR(120) NOT NULL,
  bytes BIGINT NOT NULL,
  parts BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  error_count BIGINT NOT NULL,
  rows_done BIGINT NOT NULL,
  state VARCHAR(10) NOT NULL CHECK (state IN ('checked', 'applying', 'done')),
  uploaded_at BIGINT NOT NULL,
  uploaded_by BIGINT NOT NULL,
  applied_by BIGINT,
  done_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The history on the staff page, the newest first; and the job's question for work.
CREATE INDEX site_report_company ON site_report (company, uploaded_at, id);

-- The file itself in pieces of 256 KiB, so that applying goes on after a crash from what was sent.
CREATE TABLE site_report_part (
  report BINARY(16) NOT NULL,
  part BIGINT NOT NULL,
  bytes MEDIUMBLOB NOT NULL,
  PRIMARY KEY (report, part)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What is wrong with rows that cannot be read, the first thousand; a row may have several errors.
CREATE TABLE site_report_error (
  report BINARY(16) NOT NULL,
  line BIGINT NOT NULL,
  field VARCHAR(20) NOT NULL,
  problem VARCHAR(40) NOT NULL,
  PRIMARY KEY (report, line, field)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How many rows had which outcome, first in the dry run and then in truth.
CREATE TABLE site_report_tally (
  report BINARY(16) NOT NULL,
  phase VARCHAR(10) NOT NULL CHECK (phase IN ('checked', 'applied')),
  outcome VARCHAR(40) NOT NULL,
  row_count BIGINT NOT NULL,
  points BIGINT NOT NULL,
  PRIMARY KEY (report, phase, outcome)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
