-- Findings that a person has answered for (operations.md 7.5): added, never changed. No month goes while one of its zones has another.
CREATE TABLE audit_alert_closures (
    alert_id text PRIMARY KEY, closed_at {time} NOT NULL, closed_by text NOT NULL, reason text NOT NULL);
