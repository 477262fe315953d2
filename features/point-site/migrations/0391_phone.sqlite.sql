-- phase: expand
-- Telephone numbers of members, and the short messages that prove them.

-- The telephone number of a member, who has shown to hold it. The number is sealed; `shown` is masked.
CREATE TABLE site_phone (
  member BLOB NOT NULL PRIMARY KEY CHECK (length(member) = 16),
  company INTEGER NOT NULL,
  sealed BLOB NOT NULL CHECK (length(sealed) <= 2000),
  sealed_by INTEGER NOT NULL,
  shown TEXT NOT NULL CHECK (length(shown) <= 40),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  proved_at INTEGER NOT NULL
) STRICT;

-- One number is one member's.
CREATE UNIQUE INDEX site_phone_fingerprint ON site_phone (company, fingerprint);

-- A code that was sent to a number, to be entered by the member.
CREATE TABLE site_phone_proof (
  member BLOB NOT NULL PRIMARY KEY CHECK (length(member) = 16),
  company INTEGER NOT NULL,
  sealed BLOB NOT NULL CHECK (length(sealed) <= 2000),
  sealed_by INTEGER NOT NULL,
  shown TEXT NOT NULL CHECK (length(shown) <= 40),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
  sends INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  passed_at INTEGER
) STRICT;

-- Those that are over are forgotten.
CREATE INDEX site_phone_proof_sent ON site_phone_proof (sent_at);

-- Short messages that wait or went. The text is wiped when one went; the row counts for a day.
CREATE TABLE site_sms (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  sealed BLOB NOT NULL CHECK (length(sealed) <= 2000),
  sealed_by INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  tries INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  note TEXT CHECK (length(note) <= 80)
) STRICT;

CREATE INDEX site_sms_due ON site_sms (state, due_at);

-- How many went for a member, and to a number.
CREATE INDEX site_sms_member ON site_sms (member, created_at);
CREATE INDEX site_sms_fingerprint ON site_sms (fingerprint, created_at);

CREATE INDEX site_sms_created ON site_sms (created_at);
