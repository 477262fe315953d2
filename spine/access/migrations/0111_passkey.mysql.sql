-- phase: expand
-- Passkeys: signing in with what a person's device keeps.

-- Keyed by a hash of the credential's id, which is up to 1023 bytes long. `public_key` is kept as the
-- signature's algorithm wants it; there is nothing secret in it.
CREATE TABLE passkey (
  hash BINARY(32) NOT NULL PRIMARY KEY,
  subject BINARY(16) NOT NULL,
  credential VARBINARY(1023) NOT NULL,
  algorithm BIGINT NOT NULL CHECK (algorithm IN (-7, -8, -257)),
  public_key VARBINARY(1100) NOT NULL,
  counter BIGINT NOT NULL CHECK (counter >= 0),
  label VARCHAR(120) NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A person's list.
CREATE INDEX passkey_subject ON passkey (subject, created_at);

-- A challenge is good for one answer. With a subject it is for adding a passkey, else for signing in.
CREATE TABLE passkey_challenge (
  hash BINARY(32) NOT NULL PRIMARY KEY,
  subject BINARY(16),
  ends_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What is over is forgotten in this order.
CREATE INDEX passkey_challenge_ends_at ON passkey_challenge (ends_at, hash);
