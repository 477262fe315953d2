-- phase: expand
-- What became of each row of a report, and undoing a report.

-- The outcomes of the rows of a slice as one text, a line for each row: outcome, points, and the
-- version that the conversion came to, 0 when it did not change. Half a million rows are a thousand
-- of these.
CREATE TABLE site_report_outcome (
  report BINARY(16) NOT NULL,
  first_row BIGINT NOT NULL,
  outcomes MEDIUMTEXT NOT NULL,
  PRIMARY KEY (report, first_row)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A report that is undone, or may be: tried out, then proposed, then approved by another person, then
-- undone in slices with how far it came.
CREATE TABLE site_report_undo (
  report BINARY(16) NOT NULL PRIMARY KEY,
  company BIGINT NOT NULL,
  state VARCHAR(10) NOT NULL
    CHECK (state IN ('tried', 'proposed', 'undoing', 'done', 'declined')),
  row_count BIGINT NOT NULL,
  rows_done BIGINT NOT NULL,
  expected_undone BIGINT NOT NULL,
  expected_left BIGINT NOT NULL,
  expected_taken BIGINT NOT NULL,
  expected_granted BIGINT NOT NULL,
  expected_owed BIGINT NOT NULL,
  undone BIGINT NOT NULL,
  left_alone BIGINT NOT NULL,
  taken BIGINT NOT NULL,
  granted BIGINT NOT NULL,
  tried_at BIGINT NOT NULL,
  proposed_by BIGINT,
  ended_by BIGINT,
  done_at BIGINT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What waits for a second person, and the job's question for work.
CREATE INDEX site_report_undo_state ON site_report_undo (company, state, tried_at, report);

-- Rows that undoing left alone, and why.
CREATE TABLE site_report_left (
  report BINARY(16) NOT NULL,
  place BIGINT NOT NULL,
  conversion BINARY(16) NOT NULL,
  external_id VARCHAR(120) NOT NULL,
  why VARCHAR(20) NOT NULL,
  PRIMARY KEY (report, place)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
