ALTER TABLE stations DROP COLUMN renditions;
