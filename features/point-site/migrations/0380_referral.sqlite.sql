-- phase: expand
-- Members invite friends: the terms, the links, who joined by one, and what they earned.

-- Terms hold from their moment when a second person approved them. The key finds those in force.
CREATE TABLE site_referral_terms (
  company INTEGER NOT NULL,
  starts_at INTEGER NOT NULL,
  inviter_points INTEGER NOT NULL CHECK (inviter_points >= 0),
  invited_points INTEGER NOT NULL CHECK (invited_points >= 0),
  mark INTEGER NOT NULL CHECK (mark >= 0),
  within_days INTEGER NOT NULL,
  month_max INTEGER NOT NULL,
  recall_days INTEGER NOT NULL,
  made_by INTEGER NOT NULL,
  approved_by INTEGER,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (company, starts_at)
) STRICT, WITHOUT ROWID;

-- One link a member, for ever.
CREATE TABLE site_referral_link (
  member BLOB NOT NULL PRIMARY KEY CHECK (length(member) = 16),
  company INTEGER NOT NULL,
  code TEXT NOT NULL CHECK (length(code) <= 64),
  made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who opens a link is led to its member; no code is given twice.
CREATE UNIQUE INDEX site_referral_link_code ON site_referral_link (company, code);

-- A member is invited once, so that the invited member names the referral. It carries the terms of
-- the moment of joining, so that later terms change nothing. `mail` names the friend's address by a
-- keyed hash, without tags and dots: it tells that an address joined before, not which; it is emptied
-- when the friend leaves.
CREATE TABLE site_referral (
  invited BLOB NOT NULL PRIMARY KEY CHECK (length(invited) = 16),
  company INTEGER NOT NULL,
  inviter BLOB NOT NULL CHECK (length(inviter) = 16),
  joined_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  inviter_points INTEGER NOT NULL CHECK (inviter_points >= 0),
  invited_points INTEGER NOT NULL CHECK (invited_points >= 0),
  mark INTEGER NOT NULL CHECK (mark >= 0),
  within_days INTEGER NOT NULL,
  month_max INTEGER NOT NULL,
  recall_days INTEGER NOT NULL,
  rules TEXT NOT NULL CHECK (length(rules) <= 200),
  verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'hold', 'deny')),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'granted', 'refused', 'expired')),
  granted_at INTEGER,
  earned INTEGER NOT NULL CHECK (earned >= 0),
  rewarded_month INTEGER,
  proposed TEXT CHECK (proposed IN ('release', 'deny')),
  proposed_by INTEGER,
  reason TEXT CHECK (length(reason) <= 120),
  decided_by INTEGER,
  mail BLOB CHECK (length(mail) = 32),
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
  invited BLOB NOT NULL CHECK (length(invited) = 16),
  conversion BLOB NOT NULL CHECK (length(conversion) = 16),
  points INTEGER NOT NULL CHECK (points >= 0),
  PRIMARY KEY (invited, conversion)
) STRICT, WITHOUT ROWID;
