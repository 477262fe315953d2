-- phase: expand
-- How members want to be written to, and members who leave.

-- What a member chose; who has no row reads Japanese and wants notices. `invited_by` is the code that
-- the member came with when signing up, as it was in the address.
CREATE TABLE site_member_preference (
  member BLOB NOT NULL PRIMARY KEY CHECK (length(member) = 16),
  company INTEGER NOT NULL,
  language TEXT NOT NULL CHECK (language IN ('ja', 'en')),
  notices INTEGER NOT NULL CHECK (notices IN (0, 1)),
  invited_by TEXT CHECK (length(invited_by) <= 64),
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A member who asked to leave. Until `ends_at` signing in takes it back; then the job ends the
-- membership: points first, then the login, then the row says that both are done.
CREATE TABLE site_leaving (
  member BLOB NOT NULL PRIMARY KEY CHECK (length(member) = 16),
  company INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'taken_back', 'ending', 'ended')),
  asked_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  done_at INTEGER
) STRICT, WITHOUT ROWID;

-- The job takes what is due, the longest waiting first.
CREATE INDEX site_leaving_due ON site_leaving (state, ends_at, member);
