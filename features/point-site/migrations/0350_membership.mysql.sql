-- phase: expand
-- How members want to be written to, and members who leave.

-- What a member chose; who has no row reads Japanese and wants notices. `invited_by` is the code that
-- the member came with when signing up, as it was in the address.
CREATE TABLE site_member_preference (
  member BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  language VARCHAR(2) NOT NULL CHECK (language IN ('ja', 'en')),
  notices BIGINT NOT NULL CHECK (notices IN (0, 1)),
  invited_by VARCHAR(64),
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A member who asked to leave. Until `ends_at` signing in takes it back; then the job ends the
-- membership: points first, then the login, then the row says that both are done.
CREATE TABLE site_leaving (
  member BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  state VARCHAR(10) NOT NULL CHECK (state IN ('asked', 'taken_back', 'ending', 'ended')),
  asked_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  done_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The job takes what is due, the longest waiting first.
CREATE INDEX site_leaving_due ON site_leaving (state, ends_at, member);
