-- phase: expand
-- What an offer pays by item, and how much of a capped version is used.

-- Items that pay by themselves, of every version, in the order that staff wrote them. The company, so
-- that the catalogue reads all with one statement.
CREATE TABLE site_offer_tier (
  offer BLOB NOT NULL CHECK (length(offer) = 16),
  version INTEGER NOT NULL,
  place INTEGER NOT NULL,
  company INTEGER NOT NULL,
  item TEXT NOT NULL CHECK (length(item) <= 120),
  name TEXT NOT NULL CHECK (length(name) <= 120),
  reward_kind TEXT NOT NULL CHECK (reward_kind IN ('fixed', 'rate')),
  reward INTEGER NOT NULL CHECK (reward >= 0),
  member_part INTEGER NOT NULL CHECK (member_part >= 0),
  PRIMARY KEY (offer, version, place)
) STRICT, WITHOUT ROWID;

-- The catalogue reads a company's tiers.
CREATE INDEX site_offer_tier_company ON site_offer_tier (company, offer, version, place);

-- How many conversions of a capped version stand, and what the network pays for them: a sum kept with
-- every change of a conversion, because counting conversions takes longer the better an offer does.
CREATE TABLE site_offer_tally (
  offer BLOB NOT NULL CHECK (length(offer) = 16),
  version INTEGER NOT NULL,
  company INTEGER NOT NULL,
  conversions INTEGER NOT NULL CHECK (conversions >= 0),
  commission INTEGER NOT NULL CHECK (commission >= 0),
  PRIMARY KEY (offer, version)
) STRICT, WITHOUT ROWID;

-- The catalogue reads a company's tallies.
CREATE INDEX site_offer_tally_company ON site_offer_tally (company, offer, version);
