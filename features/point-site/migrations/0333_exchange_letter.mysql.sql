-- phase: expand
-- Exchanges that came to an end and whose members are to be written to. A row goes with its letter;
-- the key is the id of the letter, so that each end has a row of its own.
CREATE TABLE site_exchange_letter (
  company BIGINT NOT NULL,
  letter BINARY(16) NOT NULL,
  exchange BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL CHECK (state IN ('completed', 'failed', 'returned')),
  PRIMARY KEY (company, letter)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
