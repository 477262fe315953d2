-- phase: expand
-- Who acts, with which proof, and what they did.

-- The journal names an actor by its number, so that a movement says in four bytes who posted it.
CREATE TABLE actor (
  number INTEGER NOT NULL PRIMARY KEY CHECK (number >= 0),
  company INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('system', 'job', 'api_key', 'member', 'staff')),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 120)
) STRICT;

-- One number for each who acts; the registration looks it up.
CREATE UNIQUE INDEX actor_subject ON actor (subject);

-- Number 0 is known to every program and has to be here for the joins.
INSERT INTO actor (number, company, kind, subject, label)
VALUES (0, 0, 'system', X'00000000000000000000000000000000', 'system');

CREATE TABLE api_key (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 120),
  needs TEXT NOT NULL CHECK (length(needs) <= 2000),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_on INTEGER
) STRICT;

-- A company's list of its keys.
CREATE INDEX api_key_company ON api_key (company, id);

-- A key has one secret, and two while it is rotated. The secret itself is nowhere.
CREATE TABLE api_key_secret (
  public_id TEXT NOT NULL PRIMARY KEY CHECK (length(public_id) = 8),
  api_key BLOB NOT NULL CHECK (length(api_key) = 16),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL,
  valid_until INTEGER
) STRICT;

-- Rotation looks for the secrets that are still valid.
CREATE INDEX api_key_secret_api_key ON api_key_secret (api_key);

-- Keyed by a hash of realm, company and mail: fixed in length, the same in every collation. `revision`
-- grows with each change that a proof checked before must not survive.
CREATE TABLE login (
  login_key BLOB NOT NULL PRIMARY KEY CHECK (length(login_key) = 32),
  realm TEXT NOT NULL CHECK (realm IN ('member', 'staff')),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  actor INTEGER NOT NULL,
  company INTEGER NOT NULL,
  role TEXT NOT NULL CHECK (length(role) <= 20),
  mail TEXT NOT NULL CHECK (length(mail) <= 254),
  password TEXT NOT NULL CHECK (length(password) <= 200),
  totp_salt BLOB CHECK (length(totp_salt) = 16),
  totp_step INTEGER NOT NULL,
  standing TEXT NOT NULL CHECK (standing IN ('open', 'closed')),
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- From a person to the login. Not unique, because rows are renewed by their primary key.
CREATE INDEX login_subject ON login (subject);

CREATE TABLE recovery_code (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  subject BLOB NOT NULL CHECK (length(subject) = 16)
) STRICT;

-- New codes replace all the old ones of a person.
CREATE INDEX recovery_code_subject ON recovery_code (subject);

-- Kept for mails without a login as well, so that both behave alike.
CREATE TABLE sign_in_failure (
  login_key BLOB NOT NULL PRIMARY KEY CHECK (length(login_key) = 32),
  failures INTEGER NOT NULL,
  failed_at INTEGER NOT NULL,
  locked_until INTEGER NOT NULL
) STRICT;

-- Old rows are forgotten in this order.
CREATE INDEX sign_in_failure_failed_at ON sign_in_failure (failed_at);

-- Named `signed_in_session`, because SESSION is a word of SQL. Sessions that ended have no row.
CREATE TABLE signed_in_session (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  login_key BLOB NOT NULL CHECK (length(login_key) = 32),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  stage TEXT NOT NULL CHECK (stage IN ('enrolment', 'code', 'full')),
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT;

-- Signing a person out everywhere.
CREATE INDEX signed_in_session_subject ON signed_in_session (subject);

-- Forgetting what has ended.
CREATE INDEX signed_in_session_ends_at ON signed_in_session (ends_at);

-- Append-only: no statement of ours changes or deletes a row, and the chain of hashes shows who did.
CREATE TABLE audit_entry (
  seq INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
  at INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  company INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (length(action) BETWEEN 1 AND 64),
  subject TEXT NOT NULL CHECK (length(subject) <= 120),
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
  request BLOB CHECK (length(request) = 16),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- A company's trail, newest first.
CREATE INDEX audit_entry_company ON audit_entry (company, seq);

-- The trail of one thing, newest first.
CREATE INDEX audit_entry_subject ON audit_entry (subject, seq);
