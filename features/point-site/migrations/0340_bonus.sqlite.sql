-- phase: expand
-- Points beside conversions, and what has to follow from a conversion that changed.

-- One row a version of a conversion from which something is to follow: written with the change, removed
-- in the transaction of what followed. The key is the conversion's id with the version in its lowest bits,
-- so that rows are worked off in the order in which conversions stand, and a version that comes meanwhile
-- is not removed with an older one.
CREATE TABLE site_follow_up (
  company INTEGER NOT NULL,
  version_key BLOB NOT NULL CHECK (length(version_key) = 16),
  PRIMARY KEY (company, version_key)
) STRICT, WITHOUT ROWID;

-- The id follows from the cause and what it is about: a cause pays once for one thing.
CREATE TABLE site_bonus (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('claim', 'campaign', 'rank', 'referral')),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  member BLOB NOT NULL CHECK (length(member) = 16),
  conversion BLOB CHECK (length(conversion) = 16),
  title TEXT NOT NULL CHECK (length(title) <= 120),
  version INTEGER NOT NULL,
  standing TEXT NOT NULL CHECK (standing IN ('nothing', 'promised', 'announced', 'granted')),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  standing_version INTEGER NOT NULL,
  reserved INTEGER NOT NULL CHECK (reserved IN (0, 1)),
  grant_at INTEGER,
  changed_at INTEGER NOT NULL
) STRICT;

-- What the clock is to grant, the longest due first; granted ones have no time any more.
CREATE INDEX site_bonus_due ON site_bonus (company, grant_at, id);
