-- Whether listeners are told the name and the description that the station's source sends, where it
-- sends any, before those of its record.
ALTER TABLE stations ADD COLUMN prefer_source boolean NOT NULL DEFAULT false;
