-- phase: expand
-- Fraud: rules as data, what they said, and the cases that wait for persons.

-- Every version of a rule stays: a decision is explained by the version that it names. The rules that an
-- installation begins with are its settings, and are not here; a version of such a rule takes its place.
CREATE TABLE site_fraud_rule (
  company BIGINT NOT NULL,
  rule VARCHAR(24) NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  point VARCHAR(40) NOT NULL CHECK (point IN ('exchange.accept')),
  conditions VARCHAR(600) NOT NULL,
  decision VARCHAR(20) NOT NULL CHECK (decision IN ('step_up', 'hold', 'deny')),
  mode VARCHAR(20) NOT NULL CHECK (mode IN ('off', 'observe', 'enforce')),
  answer_days BIGINT NOT NULL CHECK (answer_days >= 0),
  note VARCHAR(120) NOT NULL,
  starts_on BIGINT,
  proposed_by BIGINT NOT NULL,
  proposed_at BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  decided_by BIGINT,
  decided_at BIGINT,
  starts_at BIGINT,
  ends_at BIGINT,
  PRIMARY KEY (company, rule, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The rules that a decision asks, without the versions of long ago; and what waits to be approved.
CREATE INDEX site_fraud_rule_state ON site_fraud_rule (company, state, ends_at, rule, version);

-- What the rules of a point said of something, and what they said it on. Only ever added to. The id follows from
-- subject, outcome and rules: the same answer to a repeat is one row.
CREATE TABLE site_finding (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  point VARCHAR(40) NOT NULL,
  subject BINARY(16) NOT NULL,
  member BINARY(16) NOT NULL,
  at BIGINT NOT NULL,
  outcome VARCHAR(20) NOT NULL CHECK (outcome IN ('allow', 'step_up', 'hold', 'deny')),
  hits VARCHAR(12000) NOT NULL,
  facts VARCHAR(2000) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was said of one thing, for its case.
CREATE INDEX site_finding_subject ON site_finding (subject, at, id);

-- What was said of a member, the newest first.
CREATE INDEX site_finding_member ON site_finding (member, at, id);

-- What was found of late, to try a rule on.
CREATE INDEX site_finding_point ON site_finding (company, point, at, id);

-- Which rules a finding comes from, to count them.
CREATE TABLE site_finding_hit (
  finding BINARY(16) NOT NULL,
  rule VARCHAR(24) NOT NULL,
  company BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (finding, rule)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The hits of the last days, by rule.
CREATE INDEX site_finding_hit_at ON site_finding_hit (company, at, rule, finding);

-- What a rule holds until persons have looked. Named by its subject, so that one thing has one case.
CREATE TABLE site_fraud_case (
  subject BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  point VARCHAR(40) NOT NULL,
  member BINARY(16) NOT NULL,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  rules VARCHAR(300) NOT NULL,
  opened_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  owner BIGINT NOT NULL,
  waits BIGINT NOT NULL CHECK (waits IN (0, 1)),
  state VARCHAR(20) NOT NULL CHECK (state IN ('open', 'proposed', 'released', 'denied', 'ended')),
  version BIGINT NOT NULL CHECK (version > 0),
  closed_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
  subject BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor BIGINT NOT NULL,
  action VARCHAR(20) NOT NULL,
  text VARCHAR(500) NOT NULL,
  other BIGINT,
  PRIMARY KEY (subject, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
