-- phase: expand
-- Campaigns: points by a rule, for a time, out of a budget.

-- A rule as data. Once it is proposed it does not change: another one is another campaign.
CREATE TABLE site_campaign (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (length(name) <= 120),
  about TEXT NOT NULL CHECK (length(about) <= 2000),
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  entry INTEGER NOT NULL CHECK (entry IN (0, 1)),
  first_purchase INTEGER NOT NULL CHECK (first_purchase IN (0, 1)),
  sale_min INTEGER NOT NULL CHECK (sale_min >= 0),
  shops TEXT NOT NULL CHECK (length(shops) <= 4000),
  categories TEXT NOT NULL CHECK (length(categories) <= 1000),
  reward_kind TEXT NOT NULL CHECK (reward_kind IN ('fixed', 'sale', 'points')),
  reward INTEGER NOT NULL CHECK (reward > 0),
  member_max INTEGER NOT NULL CHECK (member_max >= 0),
  winners_max INTEGER NOT NULL CHECK (winners_max >= 0),
  delay_days INTEGER NOT NULL,
  budget INTEGER NOT NULL CHECK (budget > 0),
  state TEXT NOT NULL CHECK (state IN ('draft', 'proposed', 'approved', 'stopped', 'closed')),
  version INTEGER NOT NULL,
  made_by INTEGER NOT NULL,
  proposed_by INTEGER,
  approved_by INTEGER,
  winners INTEGER NOT NULL,
  saved_at INTEGER NOT NULL
) STRICT;

-- The staff's list, the newest first; members see those that run, and a conversion finds the rules that
-- were in force at its click.
CREATE INDEX site_campaign_ends ON site_campaign (company, ends_at, id);

-- Who takes part and how far: an entry where the campaign asks for one, and what a member won.
CREATE TABLE site_campaign_member (
  campaign BLOB NOT NULL CHECK (length(campaign) = 16),
  member BLOB NOT NULL CHECK (length(member) = 16),
  entered_at INTEGER,
  awards INTEGER NOT NULL,
  points INTEGER NOT NULL,
  PRIMARY KEY (campaign, member)
) STRICT, WITHOUT ROWID;

-- A member's campaigns, for the conversions of a slice.
CREATE INDEX site_campaign_member_of ON site_campaign_member (member);

-- The first conversion of a member that anything followed from, for campaigns that are for newcomers.
CREATE TABLE site_first_purchase (
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  conversion BLOB NOT NULL CHECK (length(conversion) = 16),
  PRIMARY KEY (company, member)
) STRICT, WITHOUT ROWID;
