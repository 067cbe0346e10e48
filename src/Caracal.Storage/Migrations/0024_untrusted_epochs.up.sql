-- From where on the rows of an epoch prove nothing, because others had its key (operations.md 10): added, never changed.
CREATE TABLE audit_epoch_marks (
    id text PRIMARY KEY, epoch_id text NOT NULL, untrusted_after {time} NOT NULL, first_seq bigint NOT NULL,
    marked_at {time} NOT NULL, marked_by text NOT NULL, reason text NOT NULL);
