-- phase: expand
-- Missing points: what offers promise, what members claim, what was done about it.

-- What an offer promises from a moment on; clicks before it have what was promised then.
CREATE TABLE site_guarantee (
  offer BLOB NOT NULL CHECK (length(offer) = 16),
  starts_at INTEGER NOT NULL,
  company INTEGER NOT NULL,
  offered INTEGER NOT NULL CHECK (offered IN (0, 1)),
  file_after_days INTEGER NOT NULL,
  file_within_days INTEGER NOT NULL,
  late_within_days INTEGER NOT NULL,
  return_days INTEGER NOT NULL,
  answer_days INTEGER NOT NULL,
  PRIMARY KEY (offer, starts_at)
) STRICT, WITHOUT ROWID;

-- The id follows from click, kind and order: the same claim filed twice is one.
CREATE TABLE site_claim (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  member BLOB NOT NULL CHECK (length(member) = 16),
  click BLOB NOT NULL CHECK (length(click) = 16),
  shop BLOB NOT NULL CHECK (length(shop) = 16),
  kind TEXT NOT NULL CHECK (kind IN ('unrecorded', 'undecided', 'rejected')),
  conversion BLOB CHECK (length(conversion) = 16),
  order_ref TEXT NOT NULL CHECK (length(order_ref) <= 120),
  purchased_on INTEGER NOT NULL,
  sale INTEGER NOT NULL CHECK (sale >= 0),
  estimate INTEGER NOT NULL CHECK (estimate >= 0),
  details TEXT NOT NULL CHECK (length(details) <= 2000),
  return_days INTEGER NOT NULL,
  filed_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  owner INTEGER,
  version INTEGER NOT NULL CHECK (version > 0),
  state TEXT NOT NULL CHECK (state IN ('open', 'asked', 'sent', 'proposed', 'granted', 'waiting',
    'refused', 'withdrawn', 'merged')),
  points INTEGER,
  proposed_by INTEGER,
  granted_at INTEGER,
  pay_at INTEGER
) STRICT;

-- A member's own list, the newest first.
CREATE INDEX site_claim_member ON site_claim (member, filed_at, id);

-- The staff's list of a state, what is due first at the top; and how many there are.
CREATE INDEX site_claim_state ON site_claim (company, state, due_at, id);

-- A conversion of a click finds the claim that it makes needless.
CREATE INDEX site_claim_click ON site_claim (click);

-- So does one that only tells the order; and an order is claimed once.
CREATE INDEX site_claim_order ON site_claim (company, order_ref);

-- What was done about a claim, by whom. Only ever added to.
CREATE TABLE site_claim_event (
  claim BLOB NOT NULL CHECK (length(claim) = 16),
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (length(action) <= 20),
  text TEXT NOT NULL CHECK (length(text) <= 2000),
  PRIMARY KEY (claim, version)
) STRICT, WITHOUT ROWID;
