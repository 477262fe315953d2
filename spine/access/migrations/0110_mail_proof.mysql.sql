-- phase: expand
-- Proofs that somebody reads the mail of an address: for signing up, for a lost password, for another
-- address.

-- Named by the letter that carries the code. Written whether the address has a login or not, so that
-- both look, wait and are counted alike; `link` and `code` are empty when the letter has none. The
-- code is hashed together with the browser's secret, of which only the hash is here: six digits alone
-- could be tried out. `carried` is what the person came with (who invited them).
CREATE TABLE mail_proof (
  id BINARY(16) NOT NULL PRIMARY KEY,
  purpose VARCHAR(12) NOT NULL CHECK (purpose IN ('sign_up', 'reset', 'change_mail')),
  login_key BINARY(32) NOT NULL,
  company BIGINT NOT NULL,
  mail VARCHAR(254) NOT NULL,
  subject BINARY(16),
  browser BINARY(32) NOT NULL,
  link BINARY(32),
  code BINARY(32),
  carried VARCHAR(64),
  failures BIGINT NOT NULL CHECK (failures >= 0),
  made_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  proven_at BIGINT,
  used_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The browser that asked goes on with its cookie. Not unique, because rows are renewed by their
-- primary key.
CREATE INDEX mail_proof_browser ON mail_proof (browser);

-- The letter's link, opened on whatever device.
CREATE INDEX mail_proof_link ON mail_proof (link);

-- How many letters one address was sent within the hour.
CREATE INDEX mail_proof_login ON mail_proof (login_key, made_at);

-- What is over is forgotten in this order.
CREATE INDEX mail_proof_ends_at ON mail_proof (ends_at, id);
