-- Runs that have not ended are asked for each second, and the newest audit for
-- each notice, however many runs there are.
CREATE INDEX audit_run_open ON audit_run (id) WHERE ended = 0;
CREATE INDEX audit_run_kind ON audit_run (kind, id);
-- Notices of pushed images that could not be worked on, until a later notice of
-- the same image or an audit of its repository succeeds.
CREATE TABLE audit_notice_failed (
	ref        {text} PRIMARY KEY,
	repository {text} NOT NULL,
	error      {text} NOT NULL,
	failed     {int} NOT NULL
){strict};
CREATE INDEX audit_notice_failed_repository ON audit_notice_failed (repository);
-- What a run's scope covers, as patterns of repositories: notices of others are refused.
ALTER TABLE audit_run ADD COLUMN covers {text} NOT NULL DEFAULT '[]';
