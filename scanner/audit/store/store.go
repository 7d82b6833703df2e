// Package store keeps what audits found: which images there are, where, since
// when, their bills of materials, verdicts and findings, and what each run
// counted. It is one database, an embedded SQLite file or PostgreSQL, with the
// same schema and the same answers.
package store

import (
	"time"

	"github.com/interdict/interdict/denylist"
)

// RunKind says what a run did.
type RunKind string

// The kinds of run.
const (
	Auditing  RunKind = "audit"   // listed registries and looked at what was new
	Rejudging RunKind = "rejudge" // judged stored bills of materials again
	Notified  RunKind = "notify"  // images that registries told of
)

// RunState says how far a run is.
type RunState string

// The states of a run.
const (
	Planning RunState = "planning" // images are being listed
	Working  RunState = "working"  // all are listed, and some have no result yet
	Done     RunState = "done"     // every image has its one result
	Stopped  RunState = "stopped"  // ended early: by its error, or by a newer run of the same scope
)

// Run is one audit, or one judging again.
type Run struct {
	ID      int64 // from 1, in order of starting
	Kind    RunKind
	State   RunState
	Scope   []string // what was asked for, in the user's words
	Covers  []string // patterns of the repositories that Scope means; written by BeginRun, read by [Store.Covers]
	Method  string   // how images were found and looked at, in words, for reports
	Started time.Time
	Ended   time.Time // zero while it runs
	Error   string    // why it stopped
	// Problems are parts of the scope that could not be listed, each with its
	// reason: a run with problems is not complete.
	Problems []Problem
	Ruleset  Ruleset
	Totals   Totals // as of its end, or of now while it runs
}

// Problem is something that could not be listed.
type Problem struct {
	What   string
	Reason string
	Absent bool `json:",omitempty"` // it was asked for, and is not there
}

// Ruleset is by what a run judges. The same for all of its images, on all machines.
type Ruleset struct {
	List    denylist.ListID
	Regimes []string // asked, sorted
	AsOf    denylist.Date
	Text    []byte // of the whole list, YAML, as [denylist.List.Encode] writes it
	// Parsed is the list, where a caller has it at hand: it is not to be changed.
	// Text may be empty then; it is written when the store has no list of that
	// name, version and digest. Rulesets that are read from the store have a Text and
	// no Parsed.
	Parsed  *denylist.List
	Waivers []byte // YAML, as [denylist.ParseWaivers] reads it; may be empty
	Policy  denylist.Policy
}

// Totals count images (a manifest digest in a repository) by what is known of
// them, and the findings of those that were judged. An image that waits to be
// looked at again, or failed then, counts by its verdict of before too.
type Totals struct {
	Images, Waiting, Failed  int64
	Pass, Deny, Incomplete   int64
	ToReview                 int64 // images with something to review, nothing denied, and examined whole
	Findings, Denied, Review int64 // findings in all; of level denied; of level review
	Layers, LayersRead       int64 // distinct layers that the images have; read in this run
	Bytes                    int64 // of layers, as stored, that were read in this run
}

// Again is how many of those that wait or failed have a verdict of before, and
// count for both.
func (t Totals) Again() int64 {
	return max(0, t.Waiting+t.Failed+t.Pass+t.Deny+t.Incomplete+t.ToReview-t.Images)
}

// ImageState says what is known of a manifest.
type ImageState string

// The states of an image.
const (
	Waiting ImageState = "waiting" // no result yet
	Scanned ImageState = "scanned"
	Failed  ImageState = "failed" // looked at, in vain; Error says why
)

// Image is one manifest in one repository.
type Image struct {
	Repository string   // "host/path"
	Digest     string   // of the manifest
	Platform   string   // "os/arch[/variant]"
	Tags       []string // that lead to it now, directly or by an index; sorted
	Team       string
	Labels     map[string]string
	Workloads  []string // "namespace/pod/container" that run it, where that was the scope
	State      ImageState
	Error      string // of the last try, when State is Failed
	Attempts   int
	Verdict    denylist.Outcome // empty without a result
	Denied     int64            // findings
	Review     int64
	Waived     int64
	Created    time.Time // by the image's own word
	FirstSeen  time.Time
	LastSeen   time.Time
	Gone       time.Time // when a run found that it is not there any more; zero while it is
	ScannedAt  time.Time
	JudgedAt   time.Time
	List       denylist.ListID // that the verdict is by
	AsOf       denylist.Date
}

// Finding is one finding in one image.
type Finding struct {
	ID         string // denylist.Finding.ID
	Repository string
	Digest     string
	Platform   string
	Tags       []string
	Team       string
	Vendor     string
	VendorName string
	Level      denylist.Level // standing level, waivers applied
	Component  denylist.ComponentRef
	Regimes    []RegimeVerdict
	Path       string // of the first occurrence
	Hidden     bool
	Waived     bool
	FirstSeen  time.Time // in this repository, in whichever image it was first
	FirstRun   int64
	Gone       time.Time // from this repository: no image there has it any more
}

// RegimeVerdict is what one regime says of a finding.
type RegimeVerdict struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict"`
}

// Observation is an image that a run's listing found.
type Observation struct {
	Repository string
	Digest     string
	Platform   string
	Tags       []string
	Team       string
	Workloads  []string
}

// Result is what looking at a manifest gave.
type Result struct {
	Run      int64
	Digest   string
	ImageID  string
	Key      string // what results depend on besides the image: versions and watched patterns
	Platform string
	Created  time.Time
	Labels   map[string]string
	Layers   []Layer // of the image, bottom first
	BOM      []byte  // CycloneDX JSON
	Report   []byte  // the json report of this one target
	Verdict  denylist.Verdict
	At       time.Time
}

// Layer is a layer of an image and whether this look had to read it.
type Layer struct {
	DiffID string
	Size   int64 // as stored, bytes
	Read   bool
}

// Filter selects images and findings. The zero value selects all that are there.
// Of Vendor, Regime, Level and Finding, an image has one finding that is of all
// of them.
type Filter struct {
	Repository string // glob: "*" is any text, also with slashes, "?" one character
	Digest     string // of the manifest, whole
	Finding    string // a finding's ID, whole
	Team       string
	Vendor     string
	Regime     string           // that denies the finding or has it for review, waivers applied
	Verdict    denylist.Outcome // of the image
	Level      denylist.Level   // standing; with a Regime, what the regime says
	State      ImageState
	Platform   string
	Text       string    // part of repository, tag, digest or component name, in any case
	Since      time.Time // first seen not before
	NewIn      int64     // first seen in this run
	Gone       bool      // those that are gone instead of those that are there
	Limit      int       // zero means 100
	After      string    // the cursor of the page before; empty for the first
}

// Count is one line of a table: how many images and findings something has.
type Count struct {
	Name         string // of a vendor, regime, repository or team
	Title        string // for people
	Images       int64
	Deny, Review int64 // images denied; images with something to review and nothing denied
	Findings     int64
	FirstSeen    time.Time
}
