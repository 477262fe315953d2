-- phase: expand
-- What partners say at the end of a day, and what in it does not agree with us.

-- A statement of a partner. The id follows from company, partner, day and the file's SHA-256: the same file is
-- the same statement. It has no particulars of persons.
CREATE TABLE site_partner_statement (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  partner TEXT NOT NULL CHECK (length(partner) <= 64),
  day INTEGER NOT NULL,
  file_name TEXT NOT NULL CHECK (length(file_name) <= 120),
  bytes BLOB NOT NULL CHECK (length(bytes) <= 8000000),
  line_count INTEGER NOT NULL CHECK (line_count >= 0),
  total INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reading', 'searching', 'done')),
  done INTEGER NOT NULL CHECK (done >= 0),
  agreed INTEGER NOT NULL CHECK (agreed >= 0),
  late INTEGER NOT NULL CHECK (late >= 0),
  known INTEGER NOT NULL CHECK (known >= 0),
  settled INTEGER NOT NULL CHECK (settled >= 0),
  different INTEGER NOT NULL CHECK (different >= 0),
  received_by INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;

-- The days of the staff's page, and which day has a statement.
CREATE INDEX site_partner_statement_day ON site_partner_statement (company, day, partner, received_at, id);

-- What is still to be compared.
CREATE INDEX site_partner_statement_state ON site_partner_statement (company, state, received_at, id);

-- Where an exchange was named: once, and what says it again is known or a duplicate.
CREATE TABLE site_partner_mention (
  exchange BLOB NOT NULL PRIMARY KEY CHECK (length(exchange) = 16),
  statement BLOB NOT NULL CHECK (length(statement) = 16),
  line INTEGER NOT NULL,
  processed_on INTEGER NOT NULL,
  told TEXT NOT NULL CHECK (told IN ('success', 'failure'))
) STRICT, WITHOUT ROWID;

-- What does not agree. The id follows from what it is about.
CREATE TABLE site_partner_difference (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  partner TEXT NOT NULL CHECK (length(partner) <= 64),
  statement BLOB NOT NULL CHECK (length(statement) = 16),
  line INTEGER NOT NULL,
  class TEXT NOT NULL
    CHECK (class IN ('theirs_only', 'amount_differs', 'status_differs', 'duplicate', 'ours_only', 'unreadable')),
  exchange BLOB CHECK (length(exchange) = 16),
  text TEXT NOT NULL CHECK (length(text) <= 200),
  told TEXT CHECK (told IN ('success', 'failure')),
  opened_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  owner INTEGER,
  state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'closed')),
  state_by INTEGER,
  state_at INTEGER,
  note TEXT NOT NULL CHECK (length(note) <= 500),
  version INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;

-- The list of what is open, what is due first at the top; and what of late was closed.
CREATE INDEX site_partner_difference_state ON site_partner_difference (company, state, due_at, id);

-- What a statement has, in the order of its lines.
CREATE INDEX site_partner_difference_statement ON site_partner_difference (statement, line, id);

-- What was done with a partner on a day, to look for what no statement names.
CREATE INDEX site_exchange_product ON site_exchange (company, product, state, state_at, id);
