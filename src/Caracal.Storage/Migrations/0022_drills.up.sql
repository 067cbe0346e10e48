-- What drills showed (operations.md 9, 10).
CREATE TABLE ops_drills (
    id text PRIMARY KEY, name text NOT NULL, started_at {time} NOT NULL, ended_at {time} NOT NULL, passed {bool} NOT NULL,
    rpo_seconds bigint, rto_seconds bigint, detail {json} NOT NULL);
CREATE INDEX ops_drills_time ON ops_drills (name, started_at DESC);
