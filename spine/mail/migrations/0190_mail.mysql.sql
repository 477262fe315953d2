-- phase: expand
-- Letters to people, on their way or gone.

-- Written in the transaction of the command that causes the letter, so that there is a letter exactly
-- when that happened. Whoever made it chose the id; it sorts by time. `member` is looked up when the
-- letter goes, so that it reaches the address of that day; the text is wiped then, since it may hold
-- a code.
CREATE TABLE mail_letter (
  id BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  category VARCHAR(10) NOT NULL CHECK (category IN ('service', 'notice')),
  member BINARY(16),
  address VARCHAR(254),
  subject VARCHAR(120) NOT NULL,
  body VARCHAR(8000) NOT NULL,
  state VARCHAR(10) NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts BIGINT NOT NULL CHECK (attempts >= 0),
  made_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  done_at BIGINT,
  CHECK ((member IS NULL) <> (address IS NULL))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The job takes what is due, the longest waiting first.
CREATE INDEX mail_letter_due ON mail_letter (state, next_at, id);
