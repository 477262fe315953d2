-- phase: expand
-- The point site: what is offered, who went out, what the networks said, what became of it.

-- A shop is known by its slug within its company; its id follows from the two.
CREATE TABLE site_shop (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  slug TEXT NOT NULL CHECK (length(slug) <= 64),
  name TEXT NOT NULL CHECK (length(name) <= 120),
  reading TEXT NOT NULL CHECK (length(reading) <= 240),
  category TEXT NOT NULL CHECK (length(category) <= 64),
  listed INTEGER NOT NULL CHECK (listed IN (0, 1)),
  saved_at INTEGER NOT NULL
) STRICT;

-- Every version of an offer stays: a click is paid by the terms it was made under.
CREATE TABLE site_offer (
  id BLOB NOT NULL CHECK (length(id) = 16),
  version INTEGER NOT NULL CHECK (version > 0),
  company INTEGER NOT NULL,
  shop BLOB NOT NULL CHECK (length(shop) = 16),
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  reward_kind TEXT NOT NULL CHECK (reward_kind IN ('fixed', 'rate')),
  reward INTEGER NOT NULL CHECK (reward >= 0),
  member_part INTEGER NOT NULL CHECK (member_part >= 0),
  record_by_days INTEGER NOT NULL,
  decide_by_days INTEGER NOT NULL,
  cookie_days INTEGER NOT NULL,
  conditions TEXT NOT NULL CHECK (length(conditions) <= 4000),
  rejections TEXT NOT NULL CHECK (length(rejections) <= 4000),
  tracking_url TEXT NOT NULL CHECK (length(tracking_url) <= 1000),
  repeat_kind TEXT NOT NULL CHECK (repeat_kind IN ('always', 'once')),
  guaranteed INTEGER NOT NULL CHECK (guaranteed IN (0, 1)),
  conversions_max INTEGER CHECK (conversions_max > 0),
  commission_max INTEGER CHECK (commission_max > 0),
  tier_count INTEGER NOT NULL,
  starts_at INTEGER NOT NULL,
  ends_at INTEGER,
  saved_at INTEGER NOT NULL,
  PRIMARY KEY (id, version)
) STRICT;

-- The id is the reference that the network gives back; it sorts by time, so that rows are appended.
CREATE TABLE site_click (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  shop BLOB NOT NULL CHECK (length(shop) = 16),
  offer BLOB NOT NULL CHECK (length(offer) = 16),
  offer_version INTEGER NOT NULL,
  clicked_at INTEGER NOT NULL,
  mark TEXT CHECK (mark IN ('bot', 'burst', 'repeat'))
) STRICT, WITHOUT ROWID;

-- A member's own list, the newest first.
CREATE INDEX site_click_member ON site_click (member, id);

-- What a network sent, as it came. Only ever added to.
CREATE TABLE site_message (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  received_at INTEGER NOT NULL,
  request TEXT NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- What became of a message, apart from it, so that the message itself never changes.
CREATE TABLE site_message_work (
  message BLOB NOT NULL PRIMARY KEY CHECK (length(message) = 16),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'unreadable')),
  conversion BLOB CHECK (length(conversion) = 16),
  outcome TEXT NOT NULL CHECK (length(outcome) <= 40),
  done_at INTEGER
) STRICT;

-- The job takes what waits, the oldest first.
CREATE INDEX site_message_work_state ON site_message_work (state, message);

-- A conversion as it stands. The id sorts by when it occurred, so that what a report decides
-- together stands together.
CREATE TABLE site_conversion (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  external_id TEXT NOT NULL CHECK (length(external_id) <= 120),
  version INTEGER NOT NULL CHECK (version > 0),
  click BLOB CHECK (length(click) = 16),
  member BLOB CHECK (length(member) = 16),
  shop BLOB CHECK (length(shop) = 16),
  offer BLOB CHECK (length(offer) = 16),
  offer_version INTEGER,
  clicked_at INTEGER,
  order_ref TEXT CHECK (length(order_ref) <= 120),
  item TEXT CHECK (length(item) <= 120),
  occurred_at INTEGER NOT NULL,
  tracked_at INTEGER NOT NULL,
  due_at INTEGER,
  decided_at INTEGER,
  changed_at INTEGER NOT NULL,
  sale INTEGER NOT NULL,
  commission INTEGER NOT NULL,
  points INTEGER NOT NULL CHECK (points >= 0),
  state TEXT NOT NULL
    CHECK (state IN ('needs_review', 'tracked', 'approved', 'rejected', 'reversed')),
  expectation BLOB CHECK (length(expectation) = 16),
  claimed TEXT CHECK (claimed IN ('occurred', 'approved', 'rejected')),
  review TEXT CHECK (length(review) <= 40),
  reason TEXT CHECK (length(reason) <= 120)
) STRICT, WITHOUT ROWID;

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
  conversion BLOB NOT NULL CHECK (length(conversion) = 16),
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL,
  sale INTEGER NOT NULL,
  commission INTEGER NOT NULL,
  points INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (length(outcome) <= 40),
  source TEXT NOT NULL CHECK (source IN ('postback', 'report', 'decision', 'undo')),
  source_id BLOB NOT NULL CHECK (length(source_id) = 16),
  posting TEXT CHECK (posting IN ('note', 'grant', 'correction', 'reversal')),
  PRIMARY KEY (conversion, version)
) STRICT, WITHOUT ROWID;

-- The rows that add up to a conversion, at networks that restate by adding rows. Only ever added to.
CREATE TABLE site_conversion_entry (
  conversion BLOB NOT NULL CHECK (length(conversion) = 16),
  entry TEXT NOT NULL CHECK (length(entry) <= 120),
  sale INTEGER NOT NULL,
  commission INTEGER NOT NULL,
  PRIMARY KEY (conversion, entry)
) STRICT, WITHOUT ROWID;

-- A network's file of decisions. The id follows from network, account and the file's SHA-256: the same
-- file is the same report.
CREATE TABLE site_report (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  file_name TEXT NOT NULL CHECK (length(file_name) <= 120),
  bytes INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  rows_done INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('checked', 'applying', 'done')),
  uploaded_at INTEGER NOT NULL,
  uploaded_by INTEGER NOT NULL,
  applied_by INTEGER,
  done_at INTEGER
) STRICT;

-- The history on the staff page, the newest first; and the job's question for work.
CREATE INDEX site_report_company ON site_report (company, uploaded_at, id);

-- The file itself in pieces of 256 KiB, so that applying goes on after a crash from what was sent.
CREATE TABLE site_report_part (
  report BLOB NOT NULL CHECK (length(report) = 16),
  part INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (report, part)
) STRICT;

-- What is wrong with rows that cannot be read, the first thousand; a row may have several errors.
CREATE TABLE site_report_error (
  report BLOB NOT NULL CHECK (length(report) = 16),
  line INTEGER NOT NULL,
  field TEXT NOT NULL CHECK (length(field) <= 20),
  problem TEXT NOT NULL CHECK (length(problem) <= 40),
  PRIMARY KEY (report, line, field)
) STRICT;

-- How many rows had which outcome, first in the dry run and then in truth.
CREATE TABLE site_report_tally (
  report BLOB NOT NULL CHECK (length(report) = 16),
  phase TEXT NOT NULL CHECK (phase IN ('checked', 'applied')),
  outcome TEXT NOT NULL CHECK (length(outcome) <= 40),
  row_count INTEGER NOT NULL,
  points INTEGER NOT NULL,
  PRIMARY KEY (report, phase, outcome)
) STRICT;
