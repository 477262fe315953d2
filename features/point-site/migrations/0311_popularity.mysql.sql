-- phase: expand
-- How often offers were followed, by day: what is liked is read from some hundred rows a day and never
-- from the clicks.

CREATE TABLE site_click_day (
  company BIGINT NOT NULL,
  clicked_on BIGINT NOT NULL,
  offer BINARY(16) NOT NULL,
  clicks BIGINT NOT NULL CHECK (clicks >= 0),
  PRIMARY KEY (company, clicked_on, offer)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
