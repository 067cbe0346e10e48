-- Which authority record spent a mandate: the row and its record are then one change that needs no look in between.
ALTER TABLE used_mandates ADD COLUMN record_id text;
