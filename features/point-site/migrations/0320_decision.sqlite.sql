-- phase: expand
-- What people decide about conversions that rules cannot decide.

-- Whether a person had a hand in a conversion: what a network says afterwards is read in that light.
ALTER TABLE site_conversion
  ADD COLUMN hand TEXT NOT NULL DEFAULT 'none' CHECK (hand IN ('none', 'linked', 'decided'));

-- The conversions that wait for a person, and nothing else: the list of millions that do not wait
-- is not searched, and its rows pay for no further index.
CREATE TABLE site_review (
  conversion BLOB NOT NULL PRIMARY KEY CHECK (length(conversion) = 16),
  company INTEGER NOT NULL,
  review TEXT NOT NULL CHECK (length(review) <= 40),
  network TEXT NOT NULL CHECK (length(network) <= 64),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  shop BLOB CHECK (length(shop) = 16),
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The queue, the longest waiting first.
CREATE INDEX site_review_since ON site_review (company, since, conversion);

-- The queue of one reason, and how many wait for each.
CREATE INDEX site_review_reason ON site_review (company, review, since, conversion);

-- The queue of one shop.
CREATE INDEX site_review_shop ON site_review (company, shop, since, conversion);

-- What somebody decided or proposes to decide. The id is chosen by the form, so that a form sent
-- twice is one decision.
CREATE TABLE site_decision (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  conversion BLOB NOT NULL CHECK (length(conversion) = 16),
  version INTEGER NOT NULL CHECK (version > 0),
  review TEXT CHECK (length(review) <= 40),
  action TEXT NOT NULL CHECK (length(action) <= 20),
  click BLOB CHECK (length(click) = 16),
  sale INTEGER,
  commission INTEGER,
  reason TEXT CHECK (length(reason) <= 120),
  state TEXT NOT NULL CHECK (state IN ('proposed', 'done', 'declined', 'overtaken')),
  proposed_by INTEGER NOT NULL,
  proposed_at INTEGER NOT NULL,
  ended_by INTEGER,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;

-- The story of a conversion, and whether a proposal waits already.
CREATE INDEX site_decision_conversion ON site_decision (conversion, proposed_at, id);

-- What waits for a second person, the oldest first.
CREATE INDEX site_decision_state ON site_decision (company, state, proposed_at, id);
