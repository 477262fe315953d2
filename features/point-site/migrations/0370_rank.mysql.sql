-- phase: expand
-- Members' ranks: the rules by month, what counts towards a rank, and the ranks as they were kept.

-- Sets of ranks, each in force from a month when a second person approved it. A month is the number
-- of its first day. The key lists them.
CREATE TABLE site_rank_set (
  company BIGINT NOT NULL,
  version BIGINT NOT NULL,
  starts_month BIGINT NOT NULL,
  months BIGINT NOT NULL CHECK (months >= 1),
  state VARCHAR(16) NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  made_by BIGINT NOT NULL,
  decided_by BIGINT,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (company, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The ranks of a set from the lowest, 0, which everybody has. No month's limit is 0.
CREATE TABLE site_rank (
  company BIGINT NOT NULL,
  version BIGINT NOT NULL,
  place BIGINT NOT NULL CHECK (place >= 0),
  name VARCHAR(120) NOT NULL,
  name_english VARCHAR(120) NOT NULL,
  purchases BIGINT NOT NULL CHECK (purchases >= 0),
  points BIGINT NOT NULL CHECK (points >= 0),
  marks VARCHAR(16) NOT NULL CHECK (marks IN ('all', 'any')),
  bonus BIGINT NOT NULL CHECK (bonus >= 0),
  month_max BIGINT NOT NULL CHECK (month_max >= 0),
  PRIMARY KEY (company, version, place)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a purchase counts, as it stands, in the month of its approval: a sum can be taken again at any
-- time. What does not count any more is 0 and 0.
CREATE TABLE site_rank_earning (
  conversion BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  month BIGINT NOT NULL,
  purchases BIGINT NOT NULL CHECK (purchases IN (0, 1)),
  points BIGINT NOT NULL CHECK (points >= 0)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Sums by member, for all members in order or for some; read from the index alone.
CREATE INDEX site_rank_earning_member
  ON site_rank_earning (company, member, month, purchases, points);

-- A member's rank in a month, written once, with the version of the rules that it follows. When the
-- month is written, who has no row has the lowest rank.
CREATE TABLE site_member_rank (
  member BINARY(16) NOT NULL,
  month BIGINT NOT NULL,
  company BIGINT NOT NULL,
  version BIGINT NOT NULL,
  place BIGINT NOT NULL CHECK (place >= 0),
  purchases BIGINT NOT NULL CHECK (purchases >= 0),
  points BIGINT NOT NULL CHECK (points >= 0),
  written_at BIGINT NOT NULL,
  PRIMARY KEY (member, month)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How many members have which rank in a month.
CREATE INDEX site_member_rank_place ON site_member_rank (company, month, version, place);

-- How far the ranks of a month are written: members are taken in order.
CREATE TABLE site_rank_month (
  company BIGINT NOT NULL,
  month BIGINT NOT NULL,
  version BIGINT NOT NULL,
  after_member BINARY(16) NOT NULL,
  done_at BIGINT,
  PRIMARY KEY (company, month)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What ranks give a member for the clicks of a month, for the limit of the month.
CREATE TABLE site_rank_bonus (
  member BINARY(16) NOT NULL,
  month BIGINT NOT NULL,
  points BIGINT NOT NULL CHECK (points >= 0),
  PRIMARY KEY (member, month)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
