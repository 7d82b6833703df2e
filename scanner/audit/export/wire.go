package export

import (
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// The types of this file are the json format, field by field;
// schema/audit.schema.json describes them. They are apart from the store's
// nouns so that the format stays when those change. Times are RFC 3339 in UTC,
// days are ISO 8601; both are absent when not known.

// Image is one manifest in one repository.
type Image struct {
	Repository string            `json:"repository"`
	Digest     string            `json:"digest"`
	Platform   string            `json:"platform"`
	Tags       []string          `json:"tags"`
	Team       string            `json:"team"`
	Labels     map[string]string `json:"labels"`
	Workloads  []string          `json:"workloads"`
	State      string            `json:"state"`
	Error      string            `json:"error,omitempty"`
	Attempts   int               `json:"attempts,omitempty"`
	// Verdict is empty while the image has no result; State says why.
	Verdict   string    `json:"verdict"`
	Denied    int64     `json:"denied"`
	Review    int64     `json:"review"`
	Waived    int64     `json:"waived"`
	Created   string    `json:"created,omitempty"`
	FirstSeen string    `json:"firstSeen,omitempty"`
	LastSeen  string    `json:"lastSeen,omitempty"`
	Gone      string    `json:"gone,omitempty"`
	ScannedAt string    `json:"scannedAt,omitempty"`
	JudgedAt  string    `json:"judgedAt,omitempty"`
	List      *List     `json:"list,omitempty"`
	AsOf      string    `json:"asOf,omitempty"`
	Findings  []Finding `json:"findings,omitempty"`
}

// Finding is one finding in one image. The fields that name the image are
// absent where the finding stands inside it.
type Finding struct {
	ID         string    `json:"id"`
	Repository string    `json:"repository,omitempty"`
	Digest     string    `json:"digest,omitempty"`
	Platform   string    `json:"platform,omitempty"`
	Tags       []string  `json:"tags,omitempty"`
	Team       string    `json:"team,omitempty"`
	Vendor     string    `json:"vendor"`
	VendorName string    `json:"vendorName"`
	Level      string    `json:"level"`
	Component  Component `json:"component"`
	Regimes    []Ruling  `json:"regimes"`
	Path       string    `json:"path"`
	Hidden     bool      `json:"hidden"`
	Waived     bool      `json:"waived"`
	FirstSeen  string    `json:"firstSeen,omitempty"`
	FirstRun   int64     `json:"firstRun,omitempty"`
	Gone       string    `json:"gone,omitempty"`
}

// Component names what was found.
type Component struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Type    string `json:"type,omitempty"`
	Ref     string `json:"ref,omitempty"`
}

// Ruling is what one regime says of a finding.
type Ruling struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict"`
}

// List names the denylist that was judged by.
type List struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest,omitempty"`
}

// Run is one audit, or one judging again.
type Run struct {
	ID       int64     `json:"id"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	Scope    []string  `json:"scope"`
	Method   string    `json:"method,omitempty"`
	Started  string    `json:"started,omitempty"`
	Ended    string    `json:"ended,omitempty"`
	Error    string    `json:"error,omitempty"`
	Problems []Problem `json:"problems"`
	List     List      `json:"list"`
	AsOf     string    `json:"asOf,omitempty"`
	Regimes  []string  `json:"regimesAsked"`
	Totals   Totals    `json:"totals"`
}

// Problem is a part of the scope that could not be listed.
type Problem struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// Totals count images (a manifest digest in a repository) and findings.
type Totals struct {
	Images     int64 `json:"images"`
	Waiting    int64 `json:"waiting"`
	Failed     int64 `json:"failed"`
	Pass       int64 `json:"pass"`
	Deny       int64 `json:"deny"`
	Incomplete int64 `json:"incomplete"`
	ToReview   int64 `json:"toReview"` // images
	Findings   int64 `json:"findings"`
	Denied     int64 `json:"denied"`
	Review     int64 `json:"review"`
	Layers     int64 `json:"layers"`
	LayersRead int64 `json:"layersRead"`
	Bytes      int64 `json:"bytes"`
}

// Count is how many images and findings a vendor, regime, repository or team has.
type Count struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Images    int64  `json:"images"`
	Deny      int64  `json:"deny"`
	Review    int64  `json:"review"`
	Findings  int64  `json:"findings"`
	FirstSeen string `json:"firstSeen,omitempty"`
}

// Change is an image whose verdict or findings another judging changed.
type Change struct {
	Repository string    `json:"repository"`
	Digest     string    `json:"digest"`
	Tags       []string  `json:"tags"`
	Before     string    `json:"before"`
	After      string    `json:"after"`
	Added      []Finding `json:"added"`
	Removed    []Finding `json:"removed"`
}

// ImageOf is the image in the json format, without findings.
func ImageOf(i store.Image) Image {
	out := Image{
		Repository: i.Repository, Digest: i.Digest, Platform: i.Platform, Tags: list(i.Tags), Team: i.Team,
		Labels: i.Labels, Workloads: list(i.Workloads), State: string(i.State), Error: i.Error, Attempts: i.Attempts,
		Verdict: string(i.Verdict), Denied: i.Denied, Review: i.Review, Waived: i.Waived,
		Created: stamp(i.Created), FirstSeen: stamp(i.FirstSeen), LastSeen: stamp(i.LastSeen), Gone: stamp(i.Gone),
		ScannedAt: stamp(i.ScannedAt), JudgedAt: stamp(i.JudgedAt), AsOf: i.AsOf.String(),
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	if i.List != (denylist.ListID{}) {
		l := List(i.List)
		out.List = &l
	}
	return out
}

// FindingOf is the finding in the json format, with the image that it is in.
func FindingOf(f store.Finding) Finding {
	out := within(f)
	out.Repository, out.Digest, out.Platform, out.Tags, out.Team = f.Repository, f.Digest, f.Platform, f.Tags, f.Team
	return out
}

// within is a finding as it stands inside its image.
func within(f store.Finding) Finding {
	return Finding{
		ID: f.ID, Vendor: f.Vendor, VendorName: f.VendorName, Level: string(f.Level),
		Component: Component{Name: f.Component.Name, Version: f.Component.Version, PURL: f.Component.PURL, Type: f.Component.Type, Ref: f.Component.Ref},
		Regimes:   each(f.Regimes, func(r store.RegimeVerdict) Ruling { return Ruling(r) }),
		Path:      f.Path, Hidden: f.Hidden, Waived: f.Waived,
		FirstSeen: stamp(f.FirstSeen), FirstRun: f.FirstRun, Gone: stamp(f.Gone),
	}
}

// RunOf is the run in the json format.
func RunOf(r store.Run) Run {
	return Run{
		ID: r.ID, Kind: string(r.Kind), State: string(r.State), Scope: list(r.Scope), Method: r.Method,
		Started: stamp(r.Started), Ended: stamp(r.Ended), Error: r.Error,
		Problems: each(r.Problems, func(p store.Problem) Problem { return Problem{What: p.What, Reason: p.Reason} }),
		List:     List(r.Ruleset.List), AsOf: r.Ruleset.AsOf.String(), Regimes: list(r.Ruleset.Regimes), Totals: Totals(r.Totals),
	}
}

// CountOf is the count in the json format.
func CountOf(c store.Count) Count {
	return Count{
		Name: c.Name, Title: c.Title, Images: c.Images, Deny: c.Deny, Review: c.Review,
		Findings: c.Findings, FirstSeen: stamp(c.FirstSeen),
	}
}

// each maps a slice; the result is never nil, so that JSON has a list.
func each[A, B any](in []A, fn func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = fn(a)
	}
	return out
}

func list(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ChangeOf is the change in the json format.
func ChangeOf(c store.Change) Change {
	return Change{
		Repository: c.Repository, Digest: c.Digest, Tags: list(c.Tags), Before: string(c.Before), After: string(c.After),
		Added: each(c.Added, within), Removed: each(c.Removed, within),
	}
}
