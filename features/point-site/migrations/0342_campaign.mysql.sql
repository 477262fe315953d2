-- phase: expand
-- Campaigns: points by a rule, for a time, out of a budget.

-- A rule as data. Once it is proposed it does not change: another one is another campaign.
CREATE TABLE site_campaign (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  name VARCHAR(120) NOT NULL,
  about VARCHAR(2000) NOT NULL,
  starts_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  entry BIGINT NOT NULL CHECK (entry IN (0, 1)),
  first_purchase BIGINT NOT NULL CHECK (first_purchase IN (0, 1)),
  sale_min BIGINT NOT NULL CHECK (sale_min >= 0),
  shops VARCHAR(4000) NOT NULL,
  categories VARCHAR(1000) NOT NULL,
  reward_kind VARCHAR(20) NOT NULL CHECK (reward_kind IN ('fixed', 'sale', 'points')),
  reward BIGINT NOT NULL CHECK (reward > 0),
  member_max BIGINT NOT NULL CHECK (member_max >= 0),
  winners_max BIGINT NOT NULL CHECK (winners_max >= 0),
  delay_days BIGINT NOT NULL,
  budget BIGINT NOT NULL CHECK (budget > 0),
  state VARCHAR(20) NOT NULL CHECK (state IN ('draft', 'proposed', 'approved', 'stopped', 'closed')),
  version BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  proposed_by BIGINT,
  approved_by BIGINT,
  winners BIGINT NOT NULL,
  saved_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The staff's list, the newest first; members see those that run, and a conversion finds the rules that
-- were in force at its click.
CREATE INDEX site_campaign_ends ON site_campaign (company, ends_at, id);

-- Who takes part and how far: an entry where the campaign asks for one, and what a member won.
CREATE TABLE site_campaign_member (
  campaign BINARY(16) NOT NULL,
  member BINARY(16) NOT NULL,
  entered_at BIGINT,
  awards BIGINT NOT NULL,
  points BIGINT NOT NULL,
  PRIMARY KEY (campaign, member)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A member's campaigns, for the conversions of a slice.
CREATE INDEX site_campaign_member_of ON site_campaign_member (member);

-- The first conversion of a member that anything followed from, for campaigns that are for newcomers.
CREATE TABLE site_first_purchase (
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  conversion BINARY(16) NOT NULL,
  PRIMARY KEY (company, member)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
