-- phase: expand
-- Changes of destinations and of limits, which one person proposes and another one approves.

-- What was proposed stays, with what became of it: who let a rate change is asked years later. A version has the
-- columns of site_destination, limits have `daily` and `monthly`; the others are null. Approving writes
-- the version into site_destination, or the limits into site_limit_group, in the same transaction.
CREATE TABLE site_destination_proposal (
  company BIGINT NOT NULL,
  number BIGINT NOT NULL CHECK (number > 0),
  subject VARCHAR(20) NOT NULL CHECK (subject IN ('destination', 'limit_group')),
  code VARCHAR(64) NOT NULL,
  effective_from BIGINT,
  kind VARCHAR(20) CHECK (kind IN ('bank', 'gift_code', 'pooled_code', 'partner_points')),
  name VARCHAR(120),
  name_english VARCHAR(120),
  product VARCHAR(64),
  unit VARCHAR(16),
  minimum BIGINT CHECK (minimum >= 0),
  step BIGINT CHECK (step >= 0),
  rate_numerator BIGINT CHECK (rate_numerator >= 0),
  rate_denominator BIGINT CHECK (rate_denominator > 0),
  rounding VARCHAR(20) CHECK (rounding IN ('down', 'up', 'half_up', 'half_even')),
  fee BIGINT CHECK (fee >= 0),
  lead_days BIGINT,
  quote_minutes BIGINT,
  limit_group VARCHAR(64),
  opening VARCHAR(20) CHECK (opening IN ('open', 'paused')),
  daily BIGINT CHECK (daily >= 0),
  monthly BIGINT CHECK (monthly >= 0),
  proposed_by BIGINT NOT NULL,
  proposed_at BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  decided_by BIGINT,
  decided_at BIGINT,
  PRIMARY KEY (company, number)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What waits for its approval, the oldest first.
CREATE INDEX site_destination_proposal_state ON site_destination_proposal (company, state, number);

-- What was proposed about one destination or group, the newest first.
CREATE INDEX site_destination_proposal_code ON site_destination_proposal (company, subject, code, number);
