-- Every change that an administrator or an application makes writes this ledger, and the embedded engine has one writer
-- for all of them. PostgreSQL keeps the index: its planner does not use an expression under row-level security.
DROP INDEX admin_audit_events_zone_seq;
