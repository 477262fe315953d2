-- phase: expand
-- Shops that members keep, and the letters when one of them gives more.

-- A member's own list is read by the key. A shop that was let go stays as a row that says so, so that
-- keeping and letting go are one statement for any number of members.
CREATE TABLE site_favourite (
  member BLOB NOT NULL CHECK (length(member) = 16),
  shop BLOB NOT NULL CHECK (length(shop) = 16),
  company INTEGER NOT NULL,
  kept INTEGER NOT NULL CHECK (kept IN (0, 1)),
  added_at INTEGER NOT NULL,
  PRIMARY KEY (member, shop)
) STRICT, WITHOUT ROWID;

-- Letters go to the members who keep a shop, in the order of their ids, so that the job goes on where
-- it was.
CREATE INDEX site_favourite_shop ON site_favourite (shop, member);

-- A version that raised a reward, and how far its letters have come: the last member written to.
CREATE TABLE site_rate_up (
  offer BLOB NOT NULL CHECK (length(offer) = 16),
  version INTEGER NOT NULL,
  company INTEGER NOT NULL,
  shop BLOB NOT NULL CHECK (length(shop) = 16),
  position BLOB CHECK (length(position) = 16),
  letters INTEGER NOT NULL,
  began_at INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (offer, version)
) STRICT, WITHOUT ROWID;

-- The job reads the raises of the last days.
CREATE INDEX site_rate_up_company ON site_rate_up (company, began_at, offer, version);
