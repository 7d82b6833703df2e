package attest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"time"
)

// VerdictType is the predicate type of a [Verdict].
const VerdictType = "https://interdict.dev/attestation/verdict/v1"

// VerdictSchema is the JSON Schema of a verdict predicate (schema folder).
//
//go:embed schema/verdict.v1.schema.json
var VerdictSchema []byte

// Verdict is the predicate that says how the subject was judged: small, so that
// an admission policy can read it without the bill of materials. New fields may
// be added to version 1; none changes its meaning or goes away.
type Verdict struct {
	Image    VerdictImage     `json:"image"`
	BOM      VerdictBOM       `json:"bom"`
	Denylist VerdictList      `json:"denylist"`
	AsOf     string           `json:"asOf"` // the day whose law counts, "2026-11-23"
	Regimes  []VerdictRegime  `json:"regimes"`
	Outcome  string           `json:"outcome"` // "pass", "review", "incomplete" or "deny"
	Counts   VerdictCounts    `json:"counts"`
	Findings []VerdictFinding `json:"findings"` // denied and to be reviewed, at most [MaxFindings]
	Coverage VerdictCoverage  `json:"coverage"`
	Tool     VerdictTool      `json:"tool"`
}

// MaxFindings bounds Verdict.Findings; Counts has all.
const MaxFindings = 100

// VerdictImage is what was judged.
type VerdictImage struct {
	Digest   string `json:"digest"`             // of the platform's manifest, or of the file
	Index    string `json:"index,omitempty"`    // digest of the image index that lists it
	Platform string `json:"platform,omitempty"` // "linux/amd64"
}

// VerdictBOM is the bill of materials that was judged.
type VerdictBOM struct {
	Digest    string `json:"digest"` // of the document, see [Digest]
	MediaType string `json:"mediaType"`
}

// VerdictList is the denylist that judged.
type VerdictList struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`           // of its rules and regimes
	Issued  string `json:"issued,omitempty"` // the day it was issued, if it says so
}

// VerdictRegime is one regime that was asked, and how many findings it rules on.
type VerdictRegime struct {
	ID     string `json:"id"`
	Denied int    `json:"denied"`
	Review int    `json:"review"`
}

// VerdictCounts are the findings by level. Waived findings are counted apart.
type VerdictCounts struct {
	Denied  int `json:"denied"`
	Review  int `json:"review"`
	Mention int `json:"mention"`
	Waived  int `json:"waived,omitempty"`
}

// VerdictFinding names one finding; the bill of materials has its evidence.
type VerdictFinding struct {
	ID      string   `json:"id"`
	Vendor  string   `json:"vendor"`
	Level   string   `json:"level"`            // "denied" or "review"
	Waived  string   `json:"waived,omitempty"` // the last day of the waiver, when the finding is waived
	Name    string   `json:"name"`
	Version string   `json:"version,omitempty"`
	Regimes []string `json:"regimes,omitempty"` // those that deny it
}

// VerdictCoverage says how much was examined.
type VerdictCoverage struct {
	Complete      bool           `json:"complete"`
	FilesSeen     int64          `json:"filesSeen"`
	FilesExamined int64          `json:"filesExamined"`
	BytesSeen     int64          `json:"bytesSeen"`
	Gaps          map[string]int `json:"gaps,omitempty"` // by reason
}

// VerdictTool is who judged.
type VerdictTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Marshal writes the predicate. Equal verdicts give equal bytes.
func (v *Verdict) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if v.Regimes == nil {
		v.Regimes = []VerdictRegime{}
	}
	if v.Findings == nil {
		v.Findings = []VerdictFinding{}
	}
	if err := e.Encode(v); err != nil {
		return nil, refuse(Malformed, "", "writing the verdict: %w", err)
	}
	return Document(b.Bytes()), nil
}

// ParseVerdict reads the predicate of a statement of type [VerdictType].
func ParseVerdict(st *Statement) (*Verdict, error) {
	if st.PredicateType != VerdictType {
		return nil, refuse(OtherType, "", "the statement is of type %s, not %s", clip(st.PredicateType), VerdictType)
	}
	var v Verdict
	if err := json.Unmarshal(st.Predicate, &v); err != nil {
		return nil, refuse(Malformed, "", "reading the verdict: %w", err)
	}
	switch v.Outcome {
	case "pass", "review", "incomplete", "deny":
	default:
		return nil, refuse(Malformed, "a newer interdict may have written it", "reading the verdict: outcome %q is not known", clip(v.Outcome))
	}
	return &v, nil
}

// ListAge is how old the list was that judged, at a time: from the day on which
// it was issued. It is false where the list states no day.
func (v *Verdict) ListAge(now time.Time) (time.Duration, bool) {
	issued, err := time.Parse(time.DateOnly, v.Denylist.Issued)
	if err != nil {
		return 0, false
	}
	return now.Sub(issued), true
}
