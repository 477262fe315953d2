-- phase: expand
-- Members' ranks: the rules by month, what counts towards a rank, and the ranks as they were kept.

-- Sets of ranks, each in force from a month when a second person approved it. A month is the number
-- of its first day. The key lists them.
CREATE TABLE site_rank_set (
  company INTEGER NOT NULL,
  version INTEGER NOT NULL,
  starts_month INTEGER NOT NULL,
  months INTEGER NOT NULL CHECK (months >= 1),
  state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  made_by INTEGER NOT NULL,
  decided_by INTEGER,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (company, version)
) STRICT, WITHOUT ROWID;

-- The ranks of a set from the lowest, 0, which everybody has. No month's limit is 0.
CREATE TABLE site_rank (
  company INTEGER NOT NULL,
  version INTEGER NOT NULL,
  place INTEGER NOT NULL CHECK (place >= 0),
  name TEXT NOT NULL CHECK (length(name) <= 120),
  name_english TEXT NOT NULL CHECK (length(name_english) <= 120),
  purchases INTEGER NOT NULL CHECK (purchases >= 0),
  points INTEGER NOT NULL CHECK (points >= 0),
  marks TEXT NOT NULL CHECK (marks IN ('all', 'any')),
  bonus INTEGER NOT NULL CHECK (bonus >= 0),
  month_max INTEGER NOT NULL CHECK (month_max >= 0),
  PRIMARY KEY (company, version, place)
) STRICT, WITHOUT ROWID;

-- What a purchase counts, as it stands, in the month of its approval: a sum can be taken again at any
-- time. What does not count any more is 0 and 0.
CREATE TABLE site_rank_earning (
  conversion BLOB NOT NULL PRIMARY KEY CHECK (length(conversion) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  month INTEGER NOT NULL,
  purchases INTEGER NOT NULL CHECK (purchases IN (0, 1)),
  points INTEGER NOT NULL CHECK (points >= 0)
) STRICT, WITHOUT ROWID;

-- Sums by member, for all members in order or for some; read from the index alone.
CREATE INDEX site_rank_earning_member
  ON site_rank_earning (company, member, month, purchases, points);

-- A member's rank in a month, written once, with the version of the rules that it follows. When the
-- month is written, who has no row has the lowest rank.
CREATE TABLE site_member_rank (
  member BLOB NOT NULL CHECK (length(member) = 16),
  month INTEGER NOT NULL,
  company INTEGER NOT NULL,
  version INTEGER NOT NULL,
  place INTEGER NOT NULL CHECK (place >= 0),
  purchases INTEGER NOT NULL CHECK (purchases >= 0),
  points INTEGER NOT NULL CHECK (points >= 0),
  written_at INTEGER NOT NULL,
  PRIMARY KEY (member, month)
) STRICT, WITHOUT ROWID;

-- How many members have which rank in a month.
CREATE INDEX site_member_rank_place ON site_member_rank (company, month, version, place);

-- How far the ranks of a month are written: members are taken in order.
CREATE TABLE site_rank_month (
  company INTEGER NOT NULL,
  month INTEGER NOT NULL,
  version INTEGER NOT NULL,
  after_member BLOB NOT NULL CHECK (length(after_member) = 16),
  done_at INTEGER,
  PRIMARY KEY (company, month)
) STRICT, WITHOUT ROWID;

-- What ranks give a member for the clicks of a month, for the limit of the month.
CREATE TABLE site_rank_bonus (
  member BLOB NOT NULL CHECK (length(member) = 16),
  month INTEGER NOT NULL,
  points INTEGER NOT NULL CHECK (points >= 0),
  PRIMARY KEY (member, month)
) STRICT, WITHOUT ROWID;
