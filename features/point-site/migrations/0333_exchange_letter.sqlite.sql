-- phase: expand
-- Exchanges that came to an end and whose members are to be written to. A row goes with its letter;
-- the key is the id of the letter, so that each end has a row of its own.
CREATE TABLE site_exchange_letter (
  company INTEGER NOT NULL,
  letter BLOB NOT NULL CHECK (length(letter) = 16),
  exchange BLOB NOT NULL CHECK (length(exchange) = 16),
  version INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('completed', 'failed', 'returned')),
  PRIMARY KEY (company, letter)
) STRICT, WITHOUT ROWID;
