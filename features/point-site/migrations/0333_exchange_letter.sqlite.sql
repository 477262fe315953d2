-- phase: expand
-- Exchanges that came to an end and whose members are to be written to. A row goes with its letter;
-- the key gives the order in which they are worked off.
CREATE TABLE site_exchange_letter (
  company INTEGER NOT NULL,
  exchange BLOB NOT NULL CHECK (length(exchange) = 16),
  version INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('completed', 'failed', 'returned')),
  PRIMARY KEY (company, exchange, version)
) STRICT, WITHOUT ROWID;
