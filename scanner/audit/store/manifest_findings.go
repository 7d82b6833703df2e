package store

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// rank orders levels, the gravest first.
type rank int64

const (
	rankDenied rank = iota
	rankReview
	rankMention
)

func rankOf(l denylist.Level) rank {
	switch l {
	case denylist.Denied:
		return rankDenied
	case denylist.Review:
		return rankReview
	}
	return rankMention
}

func (r rank) level() denylist.Level {
	return [...]denylist.Level{denylist.Denied, denylist.Review, denylist.Mention}[min(max(r, rankDenied), rankMention)]
}

// found is a finding of a manifest, as it is kept.
type found struct {
	rank      rank // of the standing level
	id        string
	vendor    string
	component int64 // audit_component
	rulings   string
	detail    string // JSON of detail
}

// detail is what is only shown, and not searched.
type detail struct {
	VendorName string                `json:"vendorName"`
	Component  denylist.ComponentRef `json:"component"`
	Regimes    []RegimeVerdict       `json:"regimes"`
	Path       string                `json:"path,omitempty"`
	Hidden     bool                  `json:"hidden,omitempty"`
	Waived     bool                  `json:"waived,omitempty"`
}

// rulingWaived is what a regime's verdict is called once it is waived.
const rulingWaived = "waived"

// foundOf reduces a verdict's findings to what is kept, sorted, each ID once.
func foundOf(v *denylist.Verdict) []found {
	var out []found
	seen := map[string]bool{}
	for i := range v.Findings {
		f := &v.Findings[i]
		if seen[f.ID] {
			continue
		}
		seen[f.ID] = true
		d := detail{VendorName: f.VendorName, Component: f.Component, Regimes: []RegimeVerdict{}, Hidden: f.Hidden(), Waived: f.Waiver != nil}
		if len(f.Occurrences) > 0 {
			d.Path = f.Occurrences[0].Path
		}
		var rulings strings.Builder
		for _, r := range f.Rulings {
			verdict := string(r.Verdict)
			if r.Waiver != nil {
				verdict = rulingWaived
			}
			d.Regimes = append(d.Regimes, RegimeVerdict{r.Regime, verdict})
			if verdict == string(denylist.RulingDenied) || verdict == string(denylist.RulingReview) {
				rulings.WriteString("," + verdict + ":" + r.Regime)
			}
		}
		if rulings.Len() > 0 {
			rulings.WriteByte(',')
		}
		out = append(out, found{rank: rankOf(f.Standing()), id: f.ID, vendor: f.Vendor, rulings: rulings.String(), detail: encode(d)})
	}
	slices.SortFunc(out, compareFound)
	return out
}

func compareFound(a, b found) int {
	if a.rank != b.rank {
		return int(a.rank - b.rank)
	}
	return strings.Compare(a.id, b.id)
}

// regimes calls yield with each regime that denies the finding or has it for review.
func (f *found) regimes(yield func(regime string, r rank)) {
	for ruling := range strings.SplitSeq(strings.Trim(f.rulings, ","), ",") {
		verdict, regime, ok := strings.Cut(ruling, ":")
		if ok {
			yield(regime, rankOf(denylist.Level(verdict)))
		}
	}
}

// finding makes of it what readers get; the place is the caller's to fill in.
func (f *found) finding() (Finding, error) {
	var d detail
	err := decode(f.detail, &d)
	return Finding{
		ID: f.id, Vendor: f.vendor, VendorName: d.VendorName, Level: f.rank.level(), Component: d.Component,
		Regimes: d.Regimes, Path: d.Path, Hidden: d.Hidden, Waived: d.Waived,
	}, err
}

// at says where a finding is. A manifest is looked at once, wherever it lies:
// what is found in the image itself has there the name of its first place.
func (f *Finding) at(repository, digest string) {
	f.Repository, f.Digest = repository, digest
	if c := &f.Component; c.Type == string(sbom.Container) && strings.HasSuffix(c.Name, "@"+digest) {
		if first := strings.TrimSuffix(c.Name, "@"+digest); first != repository {
			c.Name = repository + "@" + digest
			c.PURL = strings.NewReplacer("pkg:oci/"+path.Base(first)+"@", "pkg:oci/"+path.Base(repository)+"@",
				"repository_url="+first, "repository_url="+repository).Replace(c.PURL)
		}
	}
}

// readFound reads the findings of manifests, by manifest, each list sorted.
func readFound(ctx context.Context, t tx, manifests []int64) (map[int64][]found, error) {
	out := map[int64][]found{}
	for part := range slices.Chunk(manifests, maxRows) {
		in, args := placeholders(part)
		err := t.rows(ctx, `SELECT manifest_id, rank, finding, vendor, component_id, rulings, detail FROM audit_found
			WHERE manifest_id IN `+in+` ORDER BY manifest_id, rank, finding`, args, func(scan func(...any) error) error {
			var m int64
			var f found
			err := scan(&m, &f.rank, &f.id, &f.vendor, &f.component, &f.rulings, &f.detail)
			out[m] = append(out[m], f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// writeFound replaces the findings of a manifest.
func writeFound(ctx context.Context, t tx, manifest int64, had, has []found) error {
	if len(had) > 0 {
		if err := t.exec(ctx, "DELETE FROM audit_found WHERE manifest_id = ?", manifest); err != nil {
			return err
		}
	}
	rows := make([][]any, len(has))
	for i, f := range has {
		rows[i] = []any{manifest, int64(f.rank), f.id, f.vendor, f.component, f.rulings, f.detail}
	}
	return t.insert(ctx, "audit_found (manifest_id, rank, finding, vendor, component_id, rulings, detail)", 7, rows, "")
}

// nameFound fills in the components of findings, by the names in their details,
// and keeps their vendors.
func nameFound(ctx context.Context, t tx, fs []found) error {
	if len(fs) == 0 {
		return nil
	}
	names, vendors := make([]string, len(fs)), make([]string, len(fs))
	for i := range fs {
		vendors[i] = fs[i].vendor
		var d detail
		if err := decode(fs[i].detail, &d); err != nil {
			return err
		}
		names[i] = d.Component.Name
	}
	ids, err := idsOf(ctx, t, "audit_component", "name", names)
	if err != nil {
		return err
	}
	for i := range fs {
		fs[i].component = ids[names[i]]
	}
	_, err = idsOf(ctx, t, "audit_vendor", "name", vendors)
	return err
}

// idsOf returns the ids of rows by a unique text, and makes those that are not
// there.
func idsOf(ctx context.Context, t tx, table, column string, texts []string) (map[string]int64, error) {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	ids := make(map[string]int64, len(texts))
	read := func(texts []string) error {
		for part := range slices.Chunk(texts, maxRows) {
			in, args := placeholders(part)
			err := t.rows(ctx, "SELECT id, "+column+" FROM "+table+" WHERE "+column+" IN "+in, args, func(scan func(...any) error) error {
				var id int64
				var text string
				err := scan(&id, &text)
				ids[text] = id
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(texts); err != nil {
		return nil, err
	}
	var rows [][]any
	var missing []string
	for _, text := range texts {
		if _, ok := ids[text]; !ok {
			rows, missing = append(rows, []any{text}), append(missing, text)
		}
	}
	if len(rows) == 0 {
		return ids, nil
	}
	if err := t.insert(ctx, table+" ("+column+")", 1, rows, "ON CONFLICT DO NOTHING"); err != nil {
		return nil, err
	}
	return ids, read(missing)
}

// placeholders is "(?,?,?)" for the values, which it returns as arguments.
func placeholders[T any](vs []T) (string, []any) { return marks(len(vs)), anys(vs) }

func sortedKeys[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }
