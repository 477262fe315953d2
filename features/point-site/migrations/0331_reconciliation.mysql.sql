-- phase: expand
-- What partners say at the end of a day, and what in it does not agree with us.

-- A statement of a partner. The id follows from company, partner, day and the file's SHA-256: the same file is
-- the same statement. It has no particulars of persons.
CREATE TABLE site_partner_statement (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  partner VARCHAR(64) NOT NULL,
  day BIGINT NOT NULL,
  file_name VARCHAR(120) NOT NULL,
  bytes MEDIUMBLOB NOT NULL,
  line_count BIGINT NOT NULL CHECK (line_count >= 0),
  total BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('reading', 'searching', 'done')),
  done BIGINT NOT NULL CHECK (done >= 0),
  agreed BIGINT NOT NULL CHECK (agreed >= 0),
  late BIGINT NOT NULL CHECK (late >= 0),
  known BIGINT NOT NULL CHECK (known >= 0),
  settled BIGINT NOT NULL CHECK (settled >= 0),
  different BIGINT NOT NULL CHECK (different >= 0),
  received_by BIGINT NOT NULL,
  received_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The days of the staff's page, and which day has a statement.
CREATE INDEX site_partner_statement_day ON site_partner_statement (company, day, partner, received_at, id);

-- What is still to be compared.
CREATE INDEX site_partner_statement_state ON site_partner_statement (company, state, received_at, id);

-- Where an exchange was named: once, and what says it again is known or a duplicate.
CREATE TABLE site_partner_mention (
  exchange BINARY(16) NOT NULL PRIMARY KEY,
  statement BINARY(16) NOT NULL,
  line BIGINT NOT NULL,
  processed_on BIGINT NOT NULL,
  told VARCHAR(20) NOT NULL CHECK (told IN ('success', 'failure'))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What does not agree. The id follows from what it is about.
CREATE TABLE site_partner_difference (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  partner VARCHAR(64) NOT NULL,
  statement BINARY(16) NOT NULL,
  line BIGINT NOT NULL,
  class VARCHAR(20) NOT NULL
    CHECK (class IN ('theirs_only', 'amount_differs', 'status_differs', 'duplicate', 'ours_only', 'unreadable')),
  exchange BINARY(16),
  text VARCHAR(200) NOT NULL,
  told VARCHAR(20) CHECK (told IN ('success', 'failure')),
  opened_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  owner BIGINT,
  state VARCHAR(20) NOT NULL CHECK (state IN ('open', 'settled', 'closed')),
  state_by BIGINT,
  state_at BIGINT,
  note VARCHAR(500) NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The list of what is open, what is due first at the top; and what of late was closed.
CREATE INDEX site_partner_difference_state ON site_partner_difference (company, state, due_at, id);

-- What a statement has, in the order of its lines.
CREATE INDEX site_partner_difference_statement ON site_partner_difference (statement, line, id);

-- What was done with a partner on a day, to look for what no statement names.
CREATE INDEX site_exchange_product ON site_exchange (company, product, state, state_at, id);
