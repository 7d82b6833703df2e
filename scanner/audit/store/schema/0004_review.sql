-- Review is an outcome: see outcomes.go, which the migration runs.
CREATE TABLE audit_outcome_version (version {int} NOT NULL){strict};
