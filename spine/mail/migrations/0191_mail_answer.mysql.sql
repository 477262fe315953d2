-- phase: expand
-- What became of a letter.

-- What the server answered last, as a code (`550`, `later`, `no_address`); never its text, which may
-- repeat an address.
ALTER TABLE mail_letter ADD COLUMN answer VARCHAR(20);
