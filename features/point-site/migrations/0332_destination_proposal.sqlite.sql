-- phase: expand
-- Changes of destinations and of limits, which one person proposes and another one approves.

-- What was proposed stays, with what became of it: who let a rate change is asked years later. A version has the
-- columns of site_destination, limits have `daily` and `monthly`; the others are null. Approving writes
-- the version into site_destination, or the limits into site_limit_group, in the same transaction.
CREATE TABLE site_destination_proposal (
  company INTEGER NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  subject TEXT NOT NULL CHECK (subject IN ('destination', 'limit_group')),
  code TEXT NOT NULL CHECK (length(code) <= 64),
  effective_from INTEGER,
  kind TEXT CHECK (kind IN ('bank', 'gift_code', 'pooled_code', 'partner_points')),
  name TEXT CHECK (length(name) <= 120),
  name_english TEXT CHECK (length(name_english) <= 120),
  product TEXT CHECK (length(product) <= 64),
  unit TEXT CHECK (length(unit) <= 16),
  minimum INTEGER CHECK (minimum >= 0),
  step INTEGER CHECK (step >= 0),
  rate_numerator INTEGER CHECK (rate_numerator >= 0),
  rate_denominator INTEGER CHECK (rate_denominator > 0),
  rounding TEXT CHECK (rounding IN ('down', 'up', 'half_up', 'half_even')),
  fee INTEGER CHECK (fee >= 0),
  lead_days INTEGER,
  quote_minutes INTEGER,
  limit_group TEXT CHECK (length(limit_group) <= 64),
  opening TEXT CHECK (opening IN ('open', 'paused')),
  daily INTEGER CHECK (daily >= 0),
  monthly INTEGER CHECK (monthly >= 0),
  proposed_by INTEGER NOT NULL,
  proposed_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  decided_by INTEGER,
  decided_at INTEGER,
  PRIMARY KEY (company, number)
) STRICT, WITHOUT ROWID;

-- What waits for its approval, the oldest first.
CREATE INDEX site_destination_proposal_state ON site_destination_proposal (company, state, number);

-- What was proposed about one destination or group, the newest first.
CREATE INDEX site_destination_proposal_code ON site_destination_proposal (company, subject, code, number);
