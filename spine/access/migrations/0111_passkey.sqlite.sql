-- phase: expand
-- Passkeys: signing in with what a person's device keeps.

-- Keyed by a hash of the credential's id, which is up to 1023 bytes long. `public_key` is kept as the
-- signature's algorithm wants it; there is nothing secret in it.
CREATE TABLE passkey (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  subject BLOB NOT NULL CHECK (length(subject) = 16),
  credential BLOB NOT NULL CHECK (length(credential) BETWEEN 1 AND 1023),
  algorithm INTEGER NOT NULL CHECK (algorithm IN (-7, -8, -257)),
  public_key BLOB NOT NULL CHECK (length(public_key) <= 1100),
  counter INTEGER NOT NULL CHECK (counter >= 0),
  label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 120),
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

-- A person's list.
CREATE INDEX passkey_subject ON passkey (subject, created_at);

-- A challenge is good for one answer. With a subject it is for adding a passkey, else for signing in.
CREATE TABLE passkey_challenge (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  subject BLOB CHECK (length(subject) = 16),
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is over is forgotten in this order.
CREATE INDEX passkey_challenge_ends_at ON passkey_challenge (ends_at, hash);
