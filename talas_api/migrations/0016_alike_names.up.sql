-- Names that look alike count as one (Unicode Technical Standard 39, as far as its table of confusables
-- has the letters of our names): I and 1 look like l, 0 like o, m like rn. Of those that were there
-- before, all stay, and the oldest stands for them.
ALTER TABLE users ADD COLUMN alike boolean NOT NULL DEFAULT false;
UPDATE users SET alike = true FROM (
    SELECT id, row_number() OVER (
        PARTITION BY replace(lower(translate(username, 'I10', 'llo')), 'm', 'rn')
        ORDER BY created_at, id) AS place
    FROM users) AS placed
WHERE placed.id = users.id AND place > 1;
CREATE UNIQUE INDEX users_alike
    ON users (replace(lower(translate(username, 'I10', 'llo')), 'm', 'rn')) WHERE NOT alike;

-- Indexes are looked at in the order in which they were made. A name is refused before an address is
-- looked at: else, with mail, the answer to a name that is not to be had would tell of the address.
DROP INDEX users_email;
CREATE UNIQUE INDEX users_email ON users (lower(email));

ALTER TABLE stations ADD COLUMN alike boolean NOT NULL DEFAULT false;
UPDATE stations SET alike = true FROM (
    SELECT id, row_number() OVER (
        PARTITION BY replace(translate(slug, '10', 'lo'), 'm', 'rn')
        ORDER BY created_at, id) AS place
    FROM stations) AS placed
WHERE placed.id = stations.id AND place > 1;
CREATE UNIQUE INDEX stations_alike
    ON stations (replace(translate(slug, '10', 'lo'), 'm', 'rn')) WHERE NOT alike;
