-- phase: expand
-- Where companies want to hear of events, what is sent there, and how it went.

-- `told_seq` is how far the journal was turned into deliveries for it; `resume_at` keeps it out of the way
-- while nothing gets through. The secret is nowhere: it follows from the installation's key, the id and
-- `generation`.
CREATE TABLE bank_endpoint (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  url TEXT NOT NULL CHECK (length(url) <= 1000),
  kinds TEXT NOT NULL CHECK (length(kinds) <= 1000),
  state TEXT NOT NULL CHECK (state IN ('enabled', 'disabled')),
  generation INTEGER NOT NULL,
  previous_until INTEGER,
  told_seq INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  resume_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- A company's list, and its limit.
CREATE INDEX bank_endpoint_company ON bank_endpoint (company, id);

-- One event for one endpoint; the id follows from both. The body is told from the journal again, from
-- `first_seq` to `last_seq`.
CREATE TABLE bank_delivery (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  endpoint BLOB NOT NULL CHECK (length(endpoint) = 16),
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  event BLOB NOT NULL CHECK (length(event) = 16),
  kind TEXT NOT NULL CHECK (length(kind) <= 40),
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  tries INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- What is due, the longest waiting first.
CREATE INDEX bank_delivery_due ON bank_delivery (state, next_at, id);

-- The log of an endpoint, and sending a part of it again.
CREATE INDEX bank_delivery_endpoint ON bank_delivery (endpoint, last_seq);

-- Each time it was sent, and what came back.
CREATE TABLE bank_attempt (
  delivery BLOB NOT NULL CHECK (length(delivery) = 16),
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  took_ms INTEGER NOT NULL,
  status INTEGER,
  error TEXT CHECK (length(error) <= 20),
  PRIMARY KEY (delivery, number)
) STRICT;
