ALTER TABLE stations DROP COLUMN prefer_source;
