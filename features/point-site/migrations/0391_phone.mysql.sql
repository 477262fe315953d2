-- phase: expand
-- Telephone numbers of members, and the short messages that prove them.

-- The telephone number of a member, who has shown to hold it. The number is sealed; `shown` is masked.
CREATE TABLE site_phone (
  member BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  sealed VARBINARY(2000) NOT NULL,
  sealed_by BIGINT NOT NULL,
  shown VARCHAR(40) NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  proved_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One number is one member's.
CREATE UNIQUE INDEX site_phone_fingerprint ON site_phone (company, fingerprint);

-- A code that was sent to a number, to be entered by the member.
CREATE TABLE site_phone_proof (
  member BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  sealed VARBINARY(2000) NOT NULL,
  sealed_by BIGINT NOT NULL,
  shown VARCHAR(40) NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  code_hash BINARY(32) NOT NULL,
  sends BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  passed_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Those that are over are forgotten.
CREATE INDEX site_phone_proof_sent ON site_phone_proof (sent_at);

-- Short messages that wait or went. The text is wiped when one went; the row counts for a day.
CREATE TABLE site_sms (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  sealed VARBINARY(2000) NOT NULL,
  sealed_by BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  tries BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  note VARCHAR(80)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX site_sms_due ON site_sms (state, due_at);

-- How many went for a member, and to a number.
CREATE INDEX site_sms_member ON site_sms (member, created_at);
CREATE INDEX site_sms_fingerprint ON site_sms (fingerprint, created_at);

CREATE INDEX site_sms_created ON site_sms (created_at);
