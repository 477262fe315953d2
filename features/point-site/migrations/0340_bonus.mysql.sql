-- phase: expand
-- Points beside conversions, and what has to follow from a conversion that changed.

-- One row a version of a conversion from which something is to follow: written with the change, removed
-- in the transaction of what followed. The key is the conversion's id with the version in its lowest bits,
-- so that rows are worked off in the order in which conversions stand, and a version that comes meanwhile
-- is not removed with an older one.
CREATE TABLE site_follow_up (
  company BIGINT NOT NULL,
  version_key BINARY(16) NOT NULL,
  PRIMARY KEY (company, version_key)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The id follows from the cause and what it is about: a cause pays once for one thing.
CREATE TABLE site_bonus (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  cause VARCHAR(20) NOT NULL CHECK (cause IN ('claim', 'campaign', 'rank', 'referral')),
  subject BINARY(16) NOT NULL,
  member BINARY(16) NOT NULL,
  conversion BINARY(16),
  title VARCHAR(120) NOT NULL,
  version BIGINT NOT NULL,
  standing VARCHAR(20) NOT NULL CHECK (standing IN ('nothing', 'promised', 'announced', 'granted')),
  amount BIGINT NOT NULL CHECK (amount >= 0),
  standing_version BIGINT NOT NULL,
  reserved BIGINT NOT NULL CHECK (reserved IN (0, 1)),
  grant_at BIGINT,
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the clock is to grant, the longest due first; granted ones have no time any more.
CREATE INDEX site_bonus_due ON site_bonus (company, grant_at, id);
