-- phase: expand
-- Letters to people, on their way or gone.

-- Written in the transaction of the command that causes the letter, so that there is a letter exactly
-- when that happened. Whoever made it chose the id; it sorts by time. `member` is looked up when the
-- letter goes, so that it reaches the address of that day; the text is wiped then, since it may hold
-- a code.
CREATE TABLE mail_letter (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  company INTEGER NOT NULL,
  category TEXT NOT NULL CHECK (category IN ('service', 'notice')),
  member BLOB CHECK (length(member) = 16),
  address TEXT CHECK (length(address) <= 254),
  subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 120),
  body TEXT NOT NULL CHECK (length(body) <= 8000),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  made_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  done_at INTEGER,
  CHECK ((member IS NULL) <> (address IS NULL))
) STRICT, WITHOUT ROWID;

-- The job takes what is due, the longest waiting first.
CREATE INDEX mail_letter_due ON mail_letter (state, next_at, id);
