package denylist

import (
	"slices"

	"github.com/interdict/interdict/sbom"
)

// Level is how certain a finding is.
type Level string

// The levels.
const (
	Denied  Level = "denied"  // one decisive or two independent strong evidences
	Review  Level = "review"  // a genuine but weaker identity, or a text that leaves it open
	Mention Level = "mention" // the name occurs, nothing more
)

// Outcome is the answer for one subject.
type Outcome string

// The outcomes. Where several hold, the first of these counts: a subject with
// something to review of which not all could be examined is incomplete.
const (
	Deny        Outcome = "deny"       // something is denied
	Incomplete  Outcome = "incomplete" // nothing denied, but not all could be examined
	NeedsReview Outcome = "review"     // all was examined, and a person must decide about something
	Pass        Outcome = "pass"       // all was examined, and there is nothing to decide about
)

// Outcomes returns all outcomes, the one that counts most first.
func Outcomes() []Outcome { return []Outcome{Deny, Incomplete, NeedsReview, Pass} }

// Worst returns the outcome of several subjects together: the first of
// [Outcomes] that any has, [Pass] for none. Of what is no outcome it makes
// [Incomplete].
func Worst(os ...Outcome) Outcome {
	all := Outcomes()
	worst := len(all) - 1
	for _, o := range os {
		i := slices.Index(all, o)
		if i < 0 {
			i = slices.Index(all, Incomplete)
		}
		worst = min(worst, i)
	}
	return all[worst]
}

// Verdict is the judgement of one inventory by one list.
type Verdict struct {
	Outcome  Outcome
	Findings []Finding // sorted: level, vendor, component, first occurrence
	Regimes  []string  // IDs of the regimes that were asked, sorted
	AsOf     Date
	List     ListID
	// Gaps are the inventory's and those that judging adds: rules that the
	// inventory was not made to answer.
	Gaps []sbom.Gap
}

// ListID names a list in reports.
type ListID struct {
	Name    string
	Version string
	Digest  string // of the rules and regimes: "sha256:..."
}

// Finding is one component, or one file of it, that a vendor's rules recognise.
type Finding struct {
	ID         string // stable from run to run: derived from vendor, component and evidence, not from order
	Vendor     string // Vendor.ID
	VendorName string
	Level      Level
	// Identity is the level that the evidence alone brings, whatever the law
	// says. Level is never stricter. It is Denied or Review while Level is
	// Mention when no regime that was asked bans what was identified.
	Identity    Level
	Identifies  Identifies
	Rulings     []Ruling // one for each regime asked that names the vendor, sorted by regime
	Component   ComponentRef
	EmbeddedIn  *ComponentRef // the product that contains it, when it is embedded
	Occurrences []sbom.Occurrence
	Matches     []Match // sorted by strength, then kind
	// Why says in one sentence how the level came about; Change what would
	// change it.
	Why    string
	Change string
	// Waiver is set when all rulings that could stop something are waived: the
	// last waiver that it took. Level stays; see [Finding.Standing].
	Waiver *Waiver
}

// Hidden reports whether no occurrence is in the final filesystem.
func (f *Finding) Hidden() bool {
	for _, o := range f.Occurrences {
		if !o.Hidden {
			return false
		}
	}
	return len(f.Occurrences) > 0
}

// ComponentRef names a component of the inventory.
type ComponentRef struct {
	Ref     string
	Type    string
	Name    string
	Version string
	PURL    string
}

// RulingVerdict is one regime's answer to one finding.
type RulingVerdict string

// The rulings.
const (
	RulingDenied     RulingVerdict = "denied"
	RulingReview     RulingVerdict = "review"
	RulingNotCovered RulingVerdict = "not-covered"
	RulingMention    RulingVerdict = "mention"
)

// Ruling is what one regime says of one finding.
type Ruling struct {
	Regime   string // Regime.ID
	Verdict  RulingVerdict
	Citation string
	Reason   string  // one sentence
	Waiver   *Waiver // that takes this ruling out of the outcome; nil for none
}

// Match is an evidence and the rule that it matches.
type Match struct {
	sbom.Evidence
	Rule       string // Rule.ID
	Strength   Strength
	Identifies Identifies
	Source     string // the rule's source
	Verified   bool   // whether the rule was checked against its source
}
