-- phase: expand
-- Shops that members keep, and the letters when one of them gives more.

-- A member's own list is read by the key. A shop that was let go stays as a row that says so, so that
-- keeping and letting go are one statement for any number of members.
CREATE TABLE site_favourite (
  member BINARY(16) NOT NULL,
  shop BINARY(16) NOT NULL,
  company BIGINT NOT NULL,
  kept BIGINT NOT NULL CHECK (kept IN (0, 1)),
  added_at BIGINT NOT NULL,
  PRIMARY KEY (member, shop)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Letters go to the members who keep a shop, in the order of their ids, so that the job goes on where
-- it was.
CREATE INDEX site_favourite_shop ON site_favourite (shop, member);

-- A version that raised a reward, and how far its letters have come: the last member written to.
CREATE TABLE site_rate_up (
  offer BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  company BIGINT NOT NULL,
  shop BINARY(16) NOT NULL,
  position BINARY(16),
  letters BIGINT NOT NULL,
  began_at BIGINT NOT NULL,
  finished_at BIGINT,
  PRIMARY KEY (offer, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The job reads the raises of the last days.
CREATE INDEX site_rate_up_company ON site_rate_up (company, began_at, offer, version);
