-- phase: expand
-- Exchanges that came to an end and whose members are to be written to. A row goes with its letter;
-- the key gives the order in which they are worked off.
CREATE TABLE site_exchange_letter (
  company BIGINT NOT NULL,
  exchange BINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL CHECK (state IN ('completed', 'failed', 'returned')),
  PRIMARY KEY (company, exchange, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
