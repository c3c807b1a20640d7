-- What a station is offered in: known names, at least one, none twice (each name that is there counts
-- one). The house's demo station shows all there are.
ALTER TABLE stations
    ADD COLUMN renditions text[] NOT NULL DEFAULT '{opus,aac,mp3}'
        CONSTRAINT stations_renditions_known CHECK (
            cardinality(renditions) > 0
            AND cardinality(renditions) = (renditions @> '{opus}')::int
                + (renditions @> '{aac}')::int
                + (renditions @> '{mp3}')::int
                + (renditions @> '{flac}')::int
                + (renditions @> '{32.opus}')::int
        );
UPDATE stations SET renditions = '{opus,aac,mp3,flac,32.opus}'
    WHERE slug = 'demo' AND owner_id IS NULL;
