-- phase: expand
-- Proofs that somebody reads the mail of an address: for signing up, for a lost password, for another
-- address.

-- Named by the letter that carries the code. Written whether the address has a login or not, so that
-- both look, wait and are counted alike; `link` and `code` are empty when the letter has none. The
-- code is hashed together with the browser's secret, of which only the hash is here: six digits alone
-- could be tried out. `carried` is what the person came with (who invited them).
CREATE TABLE mail_proof (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  purpose TEXT NOT NULL CHECK (purpose IN ('sign_up', 'reset', 'change_mail')),
  login_key BLOB NOT NULL CHECK (length(login_key) = 32),
  company INTEGER NOT NULL,
  mail TEXT NOT NULL CHECK (length(mail) <= 254),
  subject BLOB CHECK (length(subject) = 16),
  browser BLOB NOT NULL CHECK (length(browser) = 32),
  link BLOB CHECK (length(link) = 32),
  code BLOB CHECK (length(code) = 32),
  carried TEXT CHECK (length(carried) <= 64),
  failures INTEGER NOT NULL CHECK (failures >= 0),
  made_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  proven_at INTEGER,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

-- The browser that asked goes on with its cookie. Not unique, because rows are renewed by their
-- primary key.
CREATE INDEX mail_proof_browser ON mail_proof (browser);

-- The letter's link, opened on whatever device.
CREATE INDEX mail_proof_link ON mail_proof (link);

-- How many letters one address was sent within the hour.
CREATE INDEX mail_proof_login ON mail_proof (login_key, made_at);

-- What is over is forgotten in this order.
CREATE INDEX mail_proof_ends_at ON mail_proof (ends_at, id);
