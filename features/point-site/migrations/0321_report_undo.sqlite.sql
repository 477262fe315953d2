-- phase: expand
-- What became of each row of a report, and undoing a report.

-- The outcomes of the rows of a slice as one text, a line for each row: outcome, points, and the
-- version that the conversion came to, 0 when it did not change. Half a million rows are a thousand
-- of these.
CREATE TABLE site_report_outcome (
  report BLOB NOT NULL CHECK (length(report) = 16),
  first_row INTEGER NOT NULL,
  outcomes TEXT NOT NULL,
  PRIMARY KEY (report, first_row)
) STRICT, WITHOUT ROWID;

-- A report that is undone, or may be: tried out, then proposed, then approved by another person, then
-- undone in slices with how far it came.
CREATE TABLE site_report_undo (
  report BLOB NOT NULL PRIMARY KEY CHECK (length(report) = 16),
  company INTEGER NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('tried', 'proposed', 'undoing', 'done', 'declined')),
  row_count INTEGER NOT NULL,
  rows_done INTEGER NOT NULL,
  expected_undone INTEGER NOT NULL,
  expected_left INTEGER NOT NULL,
  expected_taken INTEGER NOT NULL,
  expected_granted INTEGER NOT NULL,
  expected_owed INTEGER NOT NULL,
  undone INTEGER NOT NULL,
  left_alone INTEGER NOT NULL,
  taken INTEGER NOT NULL,
  granted INTEGER NOT NULL,
  tried_at INTEGER NOT NULL,
  proposed_by INTEGER,
  ended_by INTEGER,
  done_at INTEGER
) STRICT;

-- What waits for a second person, and the job's question for work.
CREATE INDEX site_report_undo_state ON site_report_undo (company, state, tried_at, report);

-- Rows that undoing left alone, and why.
CREATE TABLE site_report_left (
  report BLOB NOT NULL CHECK (length(report) = 16),
  place INTEGER NOT NULL,
  conversion BLOB NOT NULL CHECK (length(conversion) = 16),
  external_id TEXT NOT NULL CHECK (length(external_id) <= 120),
  why TEXT NOT NULL CHECK (length(why) <= 20),
  PRIMARY KEY (report, place)
) STRICT, WITHOUT ROWID;
