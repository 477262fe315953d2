-- phase: expand
-- What people decide about conversions that rules cannot decide.

-- Whether a person had a hand in a conversion: what a network says afterwards is read in that light.
ALTER TABLE site_conversion
  ADD COLUMN hand VARCHAR(10) NOT NULL DEFAULT 'none' CHECK (hand IN ('none', 'linked', 'decided'));

-- The conversions that wait for a person, and nothing else: the list of millions that do not wait
-- is not searched, and its rows pay for no further index.
CREATE TABLE site_review (
  conversion BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  review VARCHAR(40) NOT NULL,
  network VARCHAR(64) NOT NULL,
  account VARCHAR(64) NOT NULL,
  shop BINARY(16),
  since BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The queue, the longest waiting first.
CREATE INDEX site_review_since ON site_review (company, since, conversion);

-- The queue of one reason, and how many wait for each.
CREATE INDEX site_review_reason ON site_review (company, review, since, conversion);

-- The queue of one shop.
CREATE INDEX site_review_shop ON site_review (company, shop, since, conversion);

-- What somebody decided or proposes to decide. The id is chosen by the form, so that a form sent
-- twice is one decision.
CREATE TABLE site_decision (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  conversion BINARY(16) NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  review VARCHAR(40),
  action VARCHAR(20) NOT NULL,
  click BINARY(16),
  sale BIGINT,
  commission BIGINT,
  reason VARCHAR(120),
  state VARCHAR(10) NOT NULL CHECK (state IN ('proposed', 'done', 'declined', 'overtaken')),
  proposed_by BIGINT NOT NULL,
  proposed_at BIGINT NOT NULL,
  ended_by BIGINT,
  ended_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The story of a conversion, and whether a proposal waits already.
CREATE INDEX site_decision_conversion ON site_decision (conversion, proposed_at, id);

-- What waits for a second person, the oldest first.
CREATE INDEX site_decision_state ON site_decision (company, state, proposed_at, id);
