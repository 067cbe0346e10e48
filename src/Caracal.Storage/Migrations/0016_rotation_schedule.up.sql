-- What the schedule of rotations means to do with each class, written by the process that leads it (operations.md 4).
CREATE TABLE rotation_schedule (
    class text PRIMARY KEY, max_age_seconds bigint NOT NULL, calendar text NOT NULL, due_at {time}, begins_at {time},
    announced_sid text, announced_at {time}, refusal text, stalled_since {time}, detail text, updated_at {time} NOT NULL);
