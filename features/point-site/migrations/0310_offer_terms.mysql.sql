-- phase: expand
-- What an offer pays by item, and how much of a capped version is used.

-- Items that pay by themselves, of every version, in the order that staff wrote them. The company, so
-- that the catalogue reads all with one statement.
CREATE TABLE site_offer_tier (
  offer BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  place BIGINT NOT NULL,
  company BIGINT NOT NULL,
  item VARCHAR(120) NOT NULL,
  name VARCHAR(120) NOT NULL,
  reward_kind VARCHAR(10) NOT NULL CHECK (reward_kind IN ('fixed', 'rate')),
  reward BIGINT NOT NULL CHECK (reward >= 0),
  member_part BIGINT NOT NULL CHECK (member_part >= 0),
  PRIMARY KEY (offer, version, place)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The catalogue reads a company's tiers.
CREATE INDEX site_offer_tier_company ON site_offer_tier (company, offer, version, place);

-- How many conversions of a capped version stand, and what the network pays for them: a sum kept with
-- every change of a conversion, because counting conversions takes longer the better an offer does.
CREATE TABLE site_offer_tally (
  offer BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  company BIGINT NOT NULL,
  conversions BIGINT NOT NULL CHECK (conversions >= 0),
  commission BIGINT NOT NULL CHECK (commission >= 0),
  PRIMARY KEY (offer, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The catalogue reads a company's tallies.
CREATE INDEX site_offer_tally_company ON site_offer_tally (company, offer, version);
