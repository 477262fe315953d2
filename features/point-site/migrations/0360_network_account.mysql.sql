-- phase: expand
-- Accounts with networks that the staff edits, and how far each was asked.

-- No secret is in it: that of the address follows from the installation's key and the generation, the
-- credentials are sealed with it.
CREATE TABLE site_network_account (
  company BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  adapter VARCHAR(20) NOT NULL,
  trust VARCHAR(10) NOT NULL CHECK (trust IN ('reports', 'postbacks')),
  zone VARCHAR(10) NOT NULL CHECK (zone IN ('japan', 'utc', 'pacific')),
  currency VARCHAR(3) NOT NULL,
  pulling BIGINT NOT NULL CHECK (pulling IN (0, 1)),
  base VARCHAR(1000) NOT NULL,
  identifier VARCHAR(120) NOT NULL,
  look_back_days BIGINT NOT NULL CHECK (look_back_days > 0),
  credentials VARBINARY(2000),
  generation BIGINT NOT NULL CHECK (generation > 0),
  former_until BIGINT,
  version BIGINT NOT NULL CHECK (version > 0),
  PRIMARY KEY (company, network, account)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each account that was ever asked; what is being asked for is in the columns from `sweep`
-- to `page_cursor`, which are null between two times.
CREATE TABLE site_pull (
  company BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  sweep VARCHAR(10) CHECK (sweep IN ('fresh', 'look_back')),
  begun_at BIGINT,
  feed VARCHAR(20),
  from_on BIGINT,
  until_on BIGINT,
  window_on BIGINT,
  page_cursor VARCHAR(1000),
  fresh_at BIGINT,
  look_back_at BIGINT,
  not_before BIGINT,
  calls BIGINT NOT NULL,
  calls_since BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  last_success_at BIGINT,
  last_error VARCHAR(20),
  last_error_at BIGINT,
  pages BIGINT NOT NULL,
  rows_unread BIGINT NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  PRIMARY KEY (company, network, account)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was found at a place the last time, so that a page that has not changed is not stored again. The
-- id is the SHA-256 of company, account and place; the texts are there to be read.
CREATE TABLE site_pull_place (
  id BINARY(32) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  place VARCHAR(200) NOT NULL,
  digest BINARY(32) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
