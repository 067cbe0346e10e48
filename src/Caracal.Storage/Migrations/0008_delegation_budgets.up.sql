-- What a delegation may be used for in all: how often, and how often it was. An edge without a budget has no row, and
-- whoever finds budget_calls empty asks no further.
ALTER TABLE delegation_edges ADD COLUMN budget_calls bigint;
ALTER TABLE delegation_edges ADD COLUMN budget_unit text;
CREATE TABLE delegation_budgets (
    edge_id text PRIMARY KEY REFERENCES delegation_edges (id) ON DELETE CASCADE, zone_id text NOT NULL,
    granted bigint NOT NULL CHECK (granted > 0), spent bigint NOT NULL DEFAULT 0 CHECK (spent >= 0 AND spent <= granted));
