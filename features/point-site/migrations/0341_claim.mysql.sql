-- phase: expand
-- Missing points: what offers promise, what members claim, what was done about it.

-- What an offer promises from a moment on; clicks before it have what was promised then.
CREATE TABLE site_guarantee (
  offer BINARY(16) NOT NULL,
  starts_at BIGINT NOT NULL,
  company BIGINT NOT NULL,
  offered BIGINT NOT NULL CHECK (offered IN (0, 1)),
  file_after_days BIGINT NOT NULL,
  file_within_days BIGINT NOT NULL,
  late_within_days BIGINT NOT NULL,
  return_days BIGINT NOT NULL,
  answer_days BIGINT NOT NULL,
  PRIMARY KEY (offer, starts_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The id follows from click, kind and order: the same claim filed twice is one.
CREATE TABLE site_claim (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  member BINARY(16) NOT NULL,
  click BINARY(16) NOT NULL,
  shop BINARY(16) NOT NULL,
  kind VARCHAR(20) NOT NULL CHECK (kind IN ('unrecorded', 'undecided', 'rejected')),
  conversion BINARY(16),
  order_ref VARCHAR(120) NOT NULL,
  purchased_on BIGINT NOT NULL,
  sale BIGINT NOT NULL CHECK (sale >= 0),
  estimate BIGINT NOT NULL CHECK (estimate >= 0),
  details VARCHAR(2000) NOT NULL,
  return_days BIGINT NOT NULL,
  filed_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  owner BIGINT,
  version BIGINT NOT NULL CHECK (version > 0),
  state VARCHAR(20) NOT NULL CHECK (state IN ('open', 'asked', 'sent', 'proposed', 'granted', 'waiting',
    'refused', 'withdrawn', 'merged')),
  points BIGINT,
  proposed_by BIGINT,
  granted_at BIGINT,
  pay_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
  claim BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor BIGINT NOT NULL,
  action VARCHAR(20) NOT NULL,
  text VARCHAR(2000) NOT NULL,
  PRIMARY KEY (claim, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
