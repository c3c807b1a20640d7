DROP INDEX stations_heirs;
