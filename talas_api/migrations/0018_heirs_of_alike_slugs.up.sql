-- Finds the slug that stands for those that look alike once the one that stood for them is removed.
CREATE INDEX stations_heirs
    ON stations (replace(translate(slug, '10', 'lo'), 'm', 'rn'), created_at, id) WHERE alike;
