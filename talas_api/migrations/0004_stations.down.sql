-- A station's room exists for it alone.
WITH gone AS (DELETE FROM stations RETURNING room_id)
DELETE FROM rooms USING gone WHERE rooms.id = gone.room_id;
DROP TABLE stations;
