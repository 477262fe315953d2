-- phase: expand
-- Who acts, with which proof, and what they did.

-- The journal names an actor by its number, so that a movement says in four bytes who posted it.
CREATE TABLE actor (
  number BIGINT NOT NULL PRIMARY KEY CHECK (number >= 0),
  company BIGINT NOT NULL,
  kind VARCHAR(10) NOT NULL CHECK (kind IN ('system', 'job', 'api_key', 'member', 'staff')),
  subject BINARY(16) NOT NULL,
  label VARCHAR(120) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One number for each who acts; the registration looks it up.
CREATE UNIQUE INDEX actor_subject ON actor (subject);

-- Number 0 is known to every program and has to be here for the joins.
INSERT INTO actor (number, company, kind, subject, label)
VALUES (0, 0, 'system', X'00000000000000000000000000000000', 'system');

CREATE TABLE api_key (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  actor BIGINT NOT NULL,
  label VARCHAR(120) NOT NULL,
  needs VARCHAR(2000) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  last_used_on BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A company's list of its keys.
CREATE INDEX api_key_company ON api_key (company, id);

-- A key has one secret, and two while it is rotated. The secret itself is nowhere.
CREATE TABLE api_key_secret (
  public_id VARCHAR(8) NOT NULL PRIMARY KEY,
  api_key BINARY(16) NOT NULL,
  hash BINARY(32) NOT NULL,
  created_at BIGINT NOT NULL,
  valid_until BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Rotation looks for the secrets that are still valid.
CREATE INDEX api_key_secret_api_key ON api_key_secret (api_key);

-- Keyed by a hash of realm, company and mail: fixed in length, the same in every collation. `revision`
-- grows with each change that a proof checked before must not survive.
CREATE TABLE login (
  login_key BINARY(32) NOT NULL PRIMARY KEY,
  realm VARCHAR(10) NOT NULL CHECK (realm IN ('member', 'staff')),
  subject BINARY(16) NOT NULL,
  actor BIGINT NOT NULL,
  company BIGINT NOT NULL,
  role VARCHAR(20) NOT NULL,
  mail VARCHAR(254) NOT NULL,
  password VARCHAR(200) NOT NULL,
  totp_salt BINARY(16),
  totp_step BIGINT NOT NULL,
  standing VARCHAR(10) NOT NULL CHECK (standing IN ('open', 'closed')),
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- From a person to the login. Not unique, because rows are renewed by their primary key.
CREATE INDEX login_subject ON login (subject);

CREATE TABLE recovery_code (
  hash BINARY(32) NOT NULL PRIMARY KEY,
  subject BINARY(16) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- New codes replace all the old ones of a person.
CREATE INDEX recovery_code_subject ON recovery_code (subject);

-- Kept for mails without a login as well, so that both behave alike.
CREATE TABLE sign_in_failure (
  login_key BINARY(32) NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  failed_at BIGINT NOT NULL,
  locked_until BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Old rows are forgotten in this order.
CREATE INDEX sign_in_failure_failed_at ON sign_in_failure (failed_at);

-- Named `signed_in_session`, because SESSION is a word of SQL. Sessions that ended have no row.
CREATE TABLE signed_in_session (
  hash BINARY(32) NOT NULL PRIMARY KEY,
  login_key BINARY(32) NOT NULL,
  subject BINARY(16) NOT NULL,
  stage VARCHAR(10) NOT NULL CHECK (stage IN ('enrolment', 'code', 'full')),
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Signing a person out everywhere.
CREATE INDEX signed_in_session_subject ON signed_in_session (subject);

-- Forgetting what has ended.
CREATE INDEX signed_in_session_ends_at ON signed_in_session (ends_at);

-- Append-only: no statement of ours changes or deletes a row, and the chain of hashes shows who did.
CREATE TABLE audit_entry (
  seq BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
  at BIGINT NOT NULL,
  actor BIGINT NOT NULL,
  company BIGINT NOT NULL,
  action VARCHAR(64) NOT NULL,
  subject VARCHAR(120) NOT NULL,
  outcome VARCHAR(10) NOT NULL CHECK (outcome IN ('done', 'refused')),
  request BINARY(16),
  hash BINARY(32) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A company's trail, newest first.
CREATE INDEX audit_entry_company ON audit_entry (company, seq);

-- The trail of one thing, newest first.
CREATE INDEX audit_entry_subject ON audit_entry (subject, seq);
