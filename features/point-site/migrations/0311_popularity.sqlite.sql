-- phase: expand
-- How often offers were followed, by day: what is liked is read from some hundred rows a day and never
-- from the clicks.

CREATE TABLE site_click_day (
  company INTEGER NOT NULL,
  clicked_on INTEGER NOT NULL,
  offer BLOB NOT NULL CHECK (length(offer) = 16),
  clicks INTEGER NOT NULL CHECK (clicks >= 0),
  PRIMARY KEY (company, clicked_on, offer)
) STRICT, WITHOUT ROWID;
