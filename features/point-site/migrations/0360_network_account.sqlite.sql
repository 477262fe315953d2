-- phase: expand
-- Accounts with networks that the staff edits, and how far each was asked.

-- No secret is in it: that of the address follows from the installation's key and the generation, the
-- credentials are sealed with it.
CREATE TABLE site_network_account (
  company INTEGER NOT NULL,
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  adapter TEXT NOT NULL CHECK (length(adapter) <= 20),
  trust TEXT NOT NULL CHECK (trust IN ('reports', 'postbacks')),
  zone TEXT NOT NULL CHECK (zone IN ('japan', 'utc', 'pacific')),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  pulling INTEGER NOT NULL CHECK (pulling IN (0, 1)),
  base TEXT NOT NULL CHECK (length(base) <= 1000),
  identifier TEXT NOT NULL CHECK (length(identifier) <= 120),
  look_back_days INTEGER NOT NULL CHECK (look_back_days > 0),
  credentials BLOB CHECK (length(credentials) <= 2000),
  generation INTEGER NOT NULL CHECK (generation > 0),
  former_until INTEGER,
  version INTEGER NOT NULL CHECK (version > 0),
  PRIMARY KEY (company, network, account)
) STRICT;

-- One row for each account that was ever asked; what is being asked for is in the columns from `sweep`
-- to `page_cursor`, which are null between two times.
CREATE TABLE site_pull (
  company INTEGER NOT NULL,
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  sweep TEXT CHECK (sweep IN ('fresh', 'look_back')),
  begun_at INTEGER,
  feed TEXT CHECK (length(feed) <= 20),
  from_on INTEGER,
  until_on INTEGER,
  window_on INTEGER,
  page_cursor TEXT CHECK (length(page_cursor) <= 1000),
  fresh_at INTEGER,
  look_back_at INTEGER,
  not_before INTEGER,
  calls INTEGER NOT NULL,
  calls_since INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  last_success_at INTEGER,
  last_error TEXT CHECK (length(last_error) <= 20),
  last_error_at INTEGER,
  pages INTEGER NOT NULL,
  rows_unread INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  PRIMARY KEY (company, network, account)
) STRICT;

-- What was found at a place the last time, so that a page that has not changed is not stored again. The
-- id is the SHA-256 of company, account and place; the texts are there to be read.
CREATE TABLE site_pull_place (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
  company INTEGER NOT NULL,
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  place TEXT NOT NULL CHECK (length(place) <= 200),
  digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
