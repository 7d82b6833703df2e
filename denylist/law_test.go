package denylist_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// TestTheBOMIsTheEvidence: judging what was written and read back gives the
// same verdict (design, law 1).
func TestTheBOMIsTheEvidence(t *testing.T) {
	for seed := range uint64(100) {
		inv := randomInventory(rand.New(rand.NewPCG(seed, 3)))
		var b bytes.Buffer
		if err := cyclonedx.Encode(&b, inv, cyclonedx.Options{}); err != nil {
			t.Fatal(err)
		}
		read, err := cyclonedx.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		p := denylist.Policy{AllEffects: true, Mentions: true, AsOf: today}
		if d := cmp.Diff(builtin.List().Judge(inv, p), builtin.List().Judge(read, p)); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
	}
}
