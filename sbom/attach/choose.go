package attach

import (
	"cmp"
	"slices"
	"strings"
)

// trust is how much speaks for a document, most first.
type trust int

const (
	signedOurs trust = iota
	signedOther
	ours
	bundled
	plain
	tagged
	built
)

var whys = map[trust]string{
	signedOurs:  "it is signed by who is trusted, and interdict made it",
	signedOther: "it is signed by who is trusted",
	ours:        "interdict attached it; nobody vouches for it yet",
	bundled:     "it is a signed statement, but whose signature was not checked",
	plain:       "it is attached to this image; nobody vouches for it",
	tagged:      "it lies under cosign's tag, which anyone who may push can move",
	built:       "the builder wrote it into the index; nobody vouches for it",
}

// IsBOM reports whether a document is a bill of materials, or a statement that
// holds one, by what its manifest says.
func (d *Document) IsBOM() bool {
	if d.Err != nil {
		return false
	}
	for _, s := range []string{d.PredicateType, d.MediaType, d.ArtifactType} {
		s = strings.ToLower(s)
		if strings.Contains(s, "cyclonedx") || strings.Contains(s, "spdx") || strings.Contains(s, "syft") || s == ".sbom" {
			return true
		}
	}
	return false
}

// Choose returns the bill of materials that counts among the documents, and
// why; -1 if there is none. verified tells which documents have a signature
// that was checked; nil means none. Among equals CycloneDX wins, then the
// newest, then the digest.
func Choose(docs []Document, verified func(*Document) bool) (best int, why string) {
	var all []int
	for i := range docs {
		if docs[i].IsBOM() {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return -1, "no bill of materials is attached"
	}
	rank := func(i int) trust { return docs[i].trust(verified != nil && verified(&docs[i])) }
	best = slices.MinFunc(all, func(i, j int) int {
		a, b := &docs[i], &docs[j]
		return cmp.Or(cmp.Compare(rank(i), rank(j)), boolCompare(b.cyclonedx(), a.cyclonedx()),
			b.Created.Compare(a.Created), strings.Compare(a.Digest, b.Digest))
	})
	return best, whys[rank(best)]
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (d *Document) cyclonedx() bool {
	return strings.Contains(strings.ToLower(d.PredicateType+d.MediaType), "cyclonedx")
}

func (d *Document) trust(verified bool) trust {
	switch {
	case verified && d.Ours():
		return signedOurs
	case verified:
		return signedOther
	case d.Form == CosignTag:
		return tagged
	case d.Form == BuildKit:
		return built
	case strings.Contains(d.MediaType, "dev.sigstore.bundle"):
		return bundled
	case d.Ours():
		return ours
	}
	return plain
}
