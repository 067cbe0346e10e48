-- Mandates from before not_before count as spent: whoever spent them may not have reached the disk. closed says that it has.
CREATE TABLE mandate_fence (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1), not_before INTEGER NOT NULL, closed INTEGER NOT NULL);
