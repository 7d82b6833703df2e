-- What is counted, as in audit_cell, of the images that each run was the first to see.
CREATE TABLE audit_new (
	first_run     {int} NOT NULL,
	gone          {int} NOT NULL,
	repository_id {int} NOT NULL,
	team          {text} NOT NULL,
	platform      {text} NOT NULL,
	state         {text} NOT NULL,
	outcome       {text} NOT NULL,
	images        {int} NOT NULL,
	with_denied   {int} NOT NULL,
	with_review   {int} NOT NULL,
	only_review   {int} NOT NULL,
	with_mention  {int} NOT NULL,
	findings      {int} NOT NULL,
	denied        {int} NOT NULL,
	review        {int} NOT NULL,
	first_seen    {int} NOT NULL, -- of the first, ever
	newest        {int} NOT NULL, -- first_seen of the last, ever
	PRIMARY KEY (first_run, gone, repository_id, team, platform, state, outcome)
){keyed};

INSERT INTO audit_new (first_run, gone, repository_id, team, platform, state, outcome,
	images, with_denied, with_review, only_review, with_mention, findings, denied, review, first_seen, newest)
SELECT i.first_run, CASE WHEN i.gone = 0 THEN 0 ELSE 1 END, i.repository_id, i.team, i.platform, m.state, m.outcome,
	count(*), sum(CASE WHEN m.denied > 0 THEN 1 ELSE 0 END), sum(CASE WHEN m.review > 0 THEN 1 ELSE 0 END),
	sum(CASE WHEN m.denied = 0 AND m.review > 0 THEN 1 ELSE 0 END),
	sum(CASE WHEN m.findings > m.denied + m.review THEN 1 ELSE 0 END),
	sum(m.findings), sum(m.denied), sum(m.review), min(i.first_seen), max(i.first_seen)
FROM audit_image i JOIN audit_manifest m ON m.id = i.manifest_id GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- What a run that has not ended has seen, whether it is there or gone. Its rows
-- are by repository so that workers seldom wait for each other.
CREATE TABLE audit_run_cell (
	run_id        {int} NOT NULL REFERENCES audit_run (id),
	repository_id {int} NOT NULL,
	state         {text} NOT NULL,
	outcome       {text} NOT NULL,
	images        {int} NOT NULL,
	findings      {int} NOT NULL,
	denied        {int} NOT NULL,
	review        {int} NOT NULL,
	PRIMARY KEY (run_id, repository_id, state, outcome)
){keyed};

INSERT INTO audit_run_cell (run_id, repository_id, state, outcome, images, findings, denied, review)
SELECT r.run_id, i.repository_id, m.state, m.outcome, count(*), sum(m.findings), sum(m.denied), sum(m.review)
FROM audit_run_image r JOIN audit_image i ON i.id = r.image_id JOIN audit_manifest m ON m.id = i.manifest_id GROUP BY 1, 2, 3, 4;

CREATE INDEX audit_run_image_image ON audit_run_image (image_id);

-- How many rows of audit_run_layer there are, and what they come to. The parts
-- mean nothing: they are several, so that workers seldom wait for each other.
CREATE TABLE audit_run_read (
	run_id   {int} NOT NULL REFERENCES audit_run (id),
	part     {int} NOT NULL,
	layers   {int} NOT NULL,
	was_read {int} NOT NULL,
	bytes    {int} NOT NULL,
	PRIMARY KEY (run_id, part)
){keyed};

INSERT INTO audit_run_read (run_id, part, layers, was_read, bytes)
SELECT run_id, 0, count(*), sum(was_read), sum(bytes) FROM audit_run_layer GROUP BY run_id;
