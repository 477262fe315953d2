-- phase: expand
-- Members invite friends: the terms, the links, who joined by one, and what they earned.

-- Terms hold from their moment when a second person approved them. The key finds those in force.
CREATE TABLE site_referral_terms (
  company BIGINT NOT NULL,
  starts_at BIGINT NOT NULL,
  inviter_points BIGINT NOT NULL CHECK (inviter_points >= 0),
  invited_points BIGINT NOT NULL CHECK (invited_points >= 0),
  mark BIGINT NOT NULL CHECK (mark >= 0),
  within_days BIGINT NOT NULL,
  month_max BIGINT NOT NULL,
  recall_days BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  approved_by BIGINT,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (company, starts_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One link a member, for ever.
CREATE TABLE site_referral_link (
  member BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  made_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who opens a link is led to its member; no code is given twice.
CREATE UNIQUE INDEX site_referral_link_code ON site_referral_link (company, code);

-- A member is invited once, so that the invited member names the referral. It carries the terms of
-- the moment of joining, so that later terms change nothing. `mail` names the friend's address by a
-- keyed hash, without tags and dots: it tells that an address joined before, not which; it is emptied
-- when the friend leaves.
CREATE TABLE site_referral (
  invited BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  inviter BINARY(16) NOT NULL,
  joined_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  inviter_points BIGINT NOT NULL CHECK (inviter_points >= 0),
  invited_points BIGINT NOT NULL CHECK (invited_points >= 0),
  mark BIGINT NOT NULL CHECK (mark >= 0),
  within_days BIGINT NOT NULL,
  month_max BIGINT NOT NULL,
  recall_days BIGINT NOT NULL,
  rules VARCHAR(200) NOT NULL,
  verdict VARCHAR(16) NOT NULL CHECK (verdict IN ('allow', 'hold', 'deny')),
  state VARCHAR(16) NOT NULL CHECK (state IN ('waiting', 'held', 'granted', 'refused', 'expired')),
  granted_at BIGINT,
  earned BIGINT NOT NULL CHECK (earned >= 0),
  rewarded_month BIGINT,
  proposed VARCHAR(16) CHECK (proposed IN ('release', 'deny')),
  proposed_by BIGINT,
  reason VARCHAR(480),
  decided_by BIGINT,
  mail BINARY(32),
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A member's own list, the newest first, and how many joined within an hour.
CREATE INDEX site_referral_inviter ON site_referral (inviter, joined_at, invited);

-- How many friends a member was rewarded for in a month.
CREATE INDEX site_referral_month ON site_referral (inviter, rewarded_month);

-- Whether an address joined before.
CREATE INDEX site_referral_mail ON site_referral (company, mail);

-- What waits for a person, and what the clock ends.
CREATE INDEX site_referral_state ON site_referral (company, state, ends_at, invited);

-- What a purchase of an invited member counts, as it stands: a sum can be taken again at any time.
CREATE TABLE site_referral_earning (
  invited BINARY(16) NOT NULL,
  conversion BINARY(16) NOT NULL,
  points BIGINT NOT NULL CHECK (points >= 0),
  PRIMARY KEY (invited, conversion)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
