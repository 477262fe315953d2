-- phase: expand
-- Fraud: rules as data, what they said, and the cases that wait for persons.

-- Every version of a rule stays: a decision is explained by the version that it names. The rules that an
-- installation begins with are its settings, and are not here; a version of such a rule takes its place.
CREATE TABLE site_fraud_rule (
  company INTEGER NOT NULL,
  rule TEXT NOT NULL CHECK (length(rule) <= 24),
  version INTEGER NOT NULL CHECK (version > 0),
  point TEXT NOT NULL CHECK (point IN ('exchange.accept')),
  conditions TEXT NOT NULL CHECK (length(conditions) <= 600),
  decision TEXT NOT NULL CHECK (decision IN ('step_up', 'hold', 'deny')),
  mode TEXT NOT NULL CHECK (mode IN ('off', 'observe', 'enforce')),
  answer_days INTEGER NOT NULL CHECK (answer_days >= 0),
  note TEXT NOT NULL CHECK (length(note) <= 120),
  starts_on INTEGER,
  proposed_by INTEGER NOT NULL,
  proposed_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  decided_by INTEGER,
  decided_at INTEGER,
  starts_at INTEGER,
  ends_at INTEGER,
  PRIMARY KEY (company, rule, version)
) STRICT, WITHOUT ROWID;

-- The rules that a decision asks, without the versions of long ago; and what waits to be approved.
CREATE INDEX site_fraud_rule_state ON site_fraud_rule (company, state, ends_at, rule, version);

-- What the rules of a point said of something, and what they said it on. Only ever added to. The id follows from
-- subject, outcome and rules: the same answer to a repeat is one row.
CREATE TABLE site_finding (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  point TEXT NOT NULL CHECK (length(point) <= 40),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  member BLOB NOT NULL CHECK (length(member) = 16),
  at INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('allow', 'step_up', 'hold', 'deny')),
  hits TEXT NOT NULL CHECK (length(hits) <= 12000),
  facts TEXT NOT NULL CHECK (length(facts) <= 2000)
) STRICT;

-- What was said of one thing, for its case.
CREATE INDEX site_finding_subject ON site_finding (subject, at, id);

-- What was said of a member, the newest first.
CREATE INDEX site_finding_member ON site_finding (member, at, id);

-- What was found of late, to try a rule on.
CREATE INDEX site_finding_point ON site_finding (company, point, at, id);

-- Which rules a finding comes from, to count them.
CREATE TABLE site_finding_hit (
  finding BLOB NOT NULL CHECK (length(finding) = 16),
  rule TEXT NOT NULL CHECK (length(rule) <= 24),
  company INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (finding, rule)
) STRICT, WITHOUT ROWID;

-- The hits of the last days, by rule.
CREATE INDEX site_finding_hit_at ON site_finding_hit (company, at, rule, finding);

-- What a rule holds until persons have looked. Named by its subject, so that one thing has one case.
CREATE TABLE site_fraud_case (
  subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 16),
  company INTEGER NOT NULL,
  point TEXT NOT NULL CHECK (length(point) <= 40),
  member BLOB NOT NULL CHECK (length(member) = 16),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  rules TEXT NOT NULL CHECK (length(rules) <= 300),
  opened_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  waits INTEGER NOT NULL CHECK (waits IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('open', 'proposed', 'released', 'denied', 'ended')),
  version INTEGER NOT NULL CHECK (version > 0),
  closed_at INTEGER
) STRICT, WITHOUT ROWID;

-- The board: what waits, what is due first at the top; and how many are overdue.
CREATE INDEX site_fraud_case_waits ON site_fraud_case (company, waits, due_at, subject);

-- What is somebody's; owner 0 is nobody.
CREATE INDEX site_fraud_case_owner ON site_fraud_case (company, waits, owner, due_at, subject);

-- What was closed of late.
CREATE INDEX site_fraud_case_closed ON site_fraud_case (company, waits, closed_at, subject);

-- A member's cases, the newest first.
CREATE INDEX site_fraud_case_member ON site_fraud_case (member, opened_at, subject);

-- What was done about a case, by whom. Only ever added to.
CREATE TABLE site_fraud_case_event (
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (length(action) <= 20),
  text TEXT NOT NULL CHECK (length(text) <= 500),
  other INTEGER,
  PRIMARY KEY (subject, version)
) STRICT, WITHOUT ROWID;
