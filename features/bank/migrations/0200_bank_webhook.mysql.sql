-- phase: expand
-- Where companies want to hear of events, what is sent there, and how it went.

-- `told_seq` is how far the journal was turned into deliveries for it; `resume_at` keeps it out of the way
-- while nothing gets through. The secret is nowhere: it follows from the installation's key, the id and
-- `generation`.
CREATE TABLE bank_endpoint (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  url VARCHAR(1000) NOT NULL,
  kinds VARCHAR(1000) NOT NULL,
  state VARCHAR(10) NOT NULL CHECK (state IN ('enabled', 'disabled')),
  generation BIGINT NOT NULL,
  previous_until BIGINT,
  told_seq BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  resume_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A company's list, and its limit.
CREATE INDEX bank_endpoint_company ON bank_endpoint (company, id);

-- One event for one endpoint; the id follows from both. The body is told from the journal again, from
-- `first_seq` to `last_seq`.
CREATE TABLE bank_delivery (
  id BINARY(16) NOT NULL PRIMARY KEY,
  endpoint BINARY(16) NOT NULL,
  first_seq BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  event BINARY(16) NOT NULL,
  kind VARCHAR(40) NOT NULL,
  state VARCHAR(10) NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  tries BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What is due, the longest waiting first.
CREATE INDEX bank_delivery_due ON bank_delivery (state, next_at, id);

-- The log of an endpoint, and sending a part of it again.
CREATE INDEX bank_delivery_endpoint ON bank_delivery (endpoint, last_seq);

-- Each time it was sent, and what came back.
CREATE TABLE bank_attempt (
  delivery BINARY(16) NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  took_ms BIGINT NOT NULL,
  status BIGINT,
  error VARCHAR(20),
  PRIMARY KEY (delivery, number)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
