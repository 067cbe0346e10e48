-- What policy saw beyond what the ledger says, for replays. It lies beside the ledger because it goes earlier; the event
-- holds its hash, so that the chain vouches for it while it is here and verifies when it is gone.
CREATE TABLE policy_inputs (
    zone_id text NOT NULL, chain_seq bigint NOT NULL, input text NOT NULL, kept_since {time} NOT NULL,
    PRIMARY KEY (zone_id, chain_seq));
