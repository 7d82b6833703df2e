-- Words in braces are replaced for each database: see dialect.go.
-- Times are microseconds since 1970, UTC. Lists and maps are JSON. Truths are 0 and 1.

CREATE TABLE audit_text ( -- lists and waivers, once per content; zstd
	digest {text} PRIMARY KEY,
	data   {bytes} NOT NULL
){strict};

CREATE TABLE audit_law (
	id           {id},
	digest       {text} NOT NULL UNIQUE, -- of all that follows
	list_name    {text} NOT NULL,
	list_version {text} NOT NULL,
	list_digest  {text} NOT NULL,
	regimes      {text} NOT NULL,
	as_of        {text} NOT NULL,
	policy       {text} NOT NULL,
	text         {text} NOT NULL REFERENCES audit_text (digest),
	waivers      {text} NOT NULL REFERENCES audit_text (digest)
){strict};

CREATE TABLE audit_title ( -- what people call vendors and regimes
	kind  {text} NOT NULL,
	name  {text} NOT NULL,
	title {text} NOT NULL,
	PRIMARY KEY (kind, name)
){strict};

CREATE TABLE audit_run (
	id       {id},
	kind     {text} NOT NULL,
	state    {text} NOT NULL,
	scope    {text} NOT NULL,
	method   {text} NOT NULL,
	started  {int} NOT NULL,
	ended    {int} NOT NULL DEFAULT 0,
	error    {text} NOT NULL DEFAULT '',
	problems {text} NOT NULL DEFAULT '[]',
	law_id   {int} NOT NULL REFERENCES audit_law (id),
	totals   {text} NOT NULL DEFAULT '' -- as of its end
){strict};

CREATE TABLE audit_repository (
	id   {id},
	name {text} NOT NULL UNIQUE
){strict};

CREATE TABLE audit_manifest (
	id           {id},
	digest       {text} NOT NULL UNIQUE,
	state        {text} NOT NULL,
	error        {text} NOT NULL DEFAULT '',
	attempts     {int} NOT NULL DEFAULT 0,
	failed_run   {int} NOT NULL DEFAULT 0,
	result_key   {text} NOT NULL DEFAULT '',
	image_id     {text} NOT NULL DEFAULT '',
	platform     {text} NOT NULL DEFAULT '', -- by the image's own word
	created      {int} NOT NULL DEFAULT 0,
	labels       {text} NOT NULL DEFAULT '{}',
	scanned_at   {int} NOT NULL DEFAULT 0,
	judged_at    {int} NOT NULL DEFAULT 0,
	judged_law   {int} NOT NULL DEFAULT 0, -- audit_law
	list_name    {text} NOT NULL DEFAULT '',
	list_version {text} NOT NULL DEFAULT '',
	list_digest  {text} NOT NULL DEFAULT '',
	as_of        {text} NOT NULL DEFAULT '',
	outcome      {text} NOT NULL DEFAULT '', -- empty: never judged
	findings     {int} NOT NULL DEFAULT 0,
	denied       {int} NOT NULL DEFAULT 0,
	review       {int} NOT NULL DEFAULT 0,
	waived       {int} NOT NULL DEFAULT 0
){strict};

CREATE TABLE audit_image ( -- a manifest in a repository
	id            {id},
	repository_id {int} NOT NULL REFERENCES audit_repository (id),
	manifest_id   {int} NOT NULL REFERENCES audit_manifest (id),
	digest        {text} NOT NULL, -- the manifest's, for order
	platform      {text} NOT NULL,
	team          {text} NOT NULL,
	tags          {text} NOT NULL,
	run_tags      {text} NOT NULL, -- of these, those that last_run saw
	workloads     {text} NOT NULL,
	first_seen    {int} NOT NULL,
	first_run     {int} NOT NULL,
	last_seen     {int} NOT NULL,
	last_run      {int} NOT NULL,
	gone          {int} NOT NULL DEFAULT 0, -- when, or 0
	UNIQUE (repository_id, digest)
){strict};
CREATE INDEX audit_image_there ON audit_image (repository_id, digest, manifest_id) WHERE gone = 0;
CREATE INDEX audit_image_gone ON audit_image (repository_id, digest, manifest_id) WHERE gone <> 0;
CREATE INDEX audit_image_manifest ON audit_image (manifest_id);
CREATE INDEX audit_image_run ON audit_image (first_run);
CREATE INDEX audit_image_since ON audit_image (first_seen);

CREATE TABLE audit_document ( -- zstd
	manifest_id {int} NOT NULL REFERENCES audit_manifest (id),
	kind        {text} NOT NULL, -- bom, report
	data        {bytes} NOT NULL,
	PRIMARY KEY (manifest_id, kind)
){strict};

CREATE TABLE audit_layer (
	id      {id},
	diff_id {text} NOT NULL UNIQUE,
	size    {int} NOT NULL,
	gone    {int} NOT NULL DEFAULT 0 -- no image that is there has it
){strict};
CREATE INDEX audit_layer_gone ON audit_layer (gone);

CREATE TABLE audit_manifest_layer (
	manifest_id {int} NOT NULL REFERENCES audit_manifest (id),
	place       {int} NOT NULL, -- from 0, the bottom
	layer_id    {int} NOT NULL REFERENCES audit_layer (id),
	PRIMARY KEY (manifest_id, place)
){keyed};
CREATE INDEX audit_manifest_layer_layer ON audit_manifest_layer (layer_id, manifest_id);

CREATE TABLE audit_component ( -- names of what findings are about
	id   {id},
	name {text} NOT NULL UNIQUE
){strict};

CREATE TABLE audit_vendor ( -- vendors that findings were ever of
	id   {id},
	name {text} NOT NULL UNIQUE
){strict};

CREATE TABLE audit_found ( -- findings of a manifest
	manifest_id  {int} NOT NULL REFERENCES audit_manifest (id),
	rank         {int} NOT NULL, -- of the level, denied first
	finding      {text} NOT NULL,
	vendor       {text} NOT NULL,
	component_id {int} NOT NULL REFERENCES audit_component (id),
	rulings      {text} NOT NULL, -- ",denied:us-bis,review:..."
	detail       {text} NOT NULL,
	PRIMARY KEY (manifest_id, rank, finding)
){keyed};
CREATE INDEX audit_found_finding ON audit_found (finding);
CREATE INDEX audit_found_component ON audit_found (component_id);

CREATE TABLE audit_finding ( -- findings of a repository
	repository_id {int} NOT NULL REFERENCES audit_repository (id),
	finding       {text} NOT NULL,
	images        {int} NOT NULL, -- that are there and have it
	first_seen    {int} NOT NULL,
	first_run     {int} NOT NULL,
	gone          {int} NOT NULL DEFAULT 0, -- when, or 0
	-- What it last was; kept when it goes.
	image_id      {int} NOT NULL DEFAULT 0,
	vendor        {text} NOT NULL DEFAULT '',
	rank          {int} NOT NULL DEFAULT 0,
	component_id  {int} NOT NULL DEFAULT 0,
	rulings       {text} NOT NULL DEFAULT '',
	detail        {text} NOT NULL DEFAULT '',
	PRIMARY KEY (repository_id, finding)
){keyed};
CREATE INDEX audit_finding_run ON audit_finding (first_run);
CREATE INDEX audit_finding_since ON audit_finding (first_seen);
CREATE INDEX audit_finding_gone ON audit_finding (repository_id, finding) WHERE gone <> 0;

-- How many images and findings there are of each sort: kept in the same
-- transaction as what it counts. Vendor and regime are empty in the rows that
-- count all, so that each question reads one range of the key.
CREATE TABLE audit_cell (
	vendor        {text} NOT NULL,
	regime        {text} NOT NULL,
	gone          {int} NOT NULL,
	repository_id {int} NOT NULL,
	team          {text} NOT NULL,
	platform      {text} NOT NULL,
	state         {text} NOT NULL,
	outcome       {text} NOT NULL,
	images        {int} NOT NULL,
	with_denied   {int} NOT NULL, -- images that have a denied finding
	with_review   {int} NOT NULL, -- images that have one to review
	only_review   {int} NOT NULL, -- of these, those that have none denied
	with_mention  {int} NOT NULL,
	findings      {int} NOT NULL,
	denied        {int} NOT NULL,
	review        {int} NOT NULL,
	first_seen    {int} NOT NULL, -- when the first was counted, ever
	PRIMARY KEY (vendor, regime, gone, repository_id, team, platform, state, outcome)
){keyed};
CREATE INDEX audit_cell_repository ON audit_cell (repository_id);

CREATE TABLE audit_run_wait ( -- manifests that a run waits for
	run_id      {int} NOT NULL REFERENCES audit_run (id),
	manifest_id {int} NOT NULL REFERENCES audit_manifest (id),
	PRIMARY KEY (run_id, manifest_id)
){keyed};
CREATE INDEX audit_run_wait_manifest ON audit_run_wait (manifest_id);

CREATE TABLE audit_run_image ( -- images that a run saw, until it ends
	run_id   {int} NOT NULL REFERENCES audit_run (id),
	image_id {int} NOT NULL REFERENCES audit_image (id),
	PRIMARY KEY (run_id, image_id)
){keyed};

CREATE TABLE audit_run_layer ( -- layers of what a run looked at, until it ends
	run_id   {int} NOT NULL REFERENCES audit_run (id),
	layer_id {int} NOT NULL REFERENCES audit_layer (id),
	bytes    {int} NOT NULL, -- read
	was_read {int} NOT NULL,
	PRIMARY KEY (run_id, layer_id)
){keyed};

CREATE TABLE audit_change (
	run_id         {int} NOT NULL REFERENCES audit_run (id),
	manifest_id    {int} NOT NULL REFERENCES audit_manifest (id),
	before_outcome {text} NOT NULL,
	after_outcome  {text} NOT NULL,
	added          {text} NOT NULL,
	removed        {text} NOT NULL,
	PRIMARY KEY (run_id, manifest_id)
){strict};

CREATE TABLE audit_blob (
	id     {id},
	name   {text} NOT NULL,
	whole  {int} NOT NULL, -- 0 while it is written
	size   {int} NOT NULL,
	parts  {int} NOT NULL,
	used   {int} NOT NULL
){strict};
CREATE UNIQUE INDEX audit_blob_name ON audit_blob (name) WHERE whole = 1;

CREATE TABLE audit_blob_part (
	blob_id {int} NOT NULL REFERENCES audit_blob (id) ON DELETE CASCADE,
	n       {int} NOT NULL, -- from 0
	crc     {int} NOT NULL, -- CRC-32C
	data    {bytes} NOT NULL,
	PRIMARY KEY (blob_id, n)
){strict};

CREATE TABLE audit_worker (
	name {text} PRIMARY KEY,
	beat {int} NOT NULL
){strict};

CREATE TABLE audit_host ( -- registries, as all workers must treat them
	name   {text} PRIMARY KEY,
	paused {int} NOT NULL, -- until
	spent  {int} NOT NULL  -- until when the rate is used up
){strict};
