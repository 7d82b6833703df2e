package denylist_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/facts"
)

// pool is evidence of every sort, genuine and innocent, to draw from.
var pool = []ev{
	{sbom.SignerO, "AO Kaspersky Lab", "", 0}, {sbom.SignerOClaimed, "Kaspersky Lab", "", 0},
	{sbom.PECompanyName, "360.cn", "", 0}, {sbom.PECompanyName, "Acme Ltd", "", 0}, {sbom.PECompanyName, "AO Kaspersky Lab", "", 0},
	{sbom.Filename, "klif.sys", "pe", 0}, {sbom.Filename, "HCNetSDK.dll", "pe", 0}, {sbom.Filename, "x.avc", "data", 0},
	{sbom.SymbolFamily, "NET_DVR_", "exports", 30}, {sbom.SymbolFamily, "CLIENT_LoginEx", "exports", 2}, {sbom.Symbol, "CLIENT_Cleanup", "exports", 0},
	{sbom.SymbolImport, "NET_DVR_", "imports", 9}, {sbom.Path, "/opt/kaspersky/kesl/a", "elf", 0}, {sbom.Path, "/opt/MVS/b", "elf", 0},
	{sbom.SystemdUnit, "kesl", "", 0}, {sbom.JavaPackage, "com/kavsdk/", "", 0}, {sbom.BinaryString, "ZTE Corperation", "", 1},
	{sbom.ModinfoAuthor, "Huawei Technologies CO., Ltd", "", 0}, {sbom.PEPDBPath, `c:\klif.pdb`, "", 0}, {sbom.RegistryKey, `HKLM\SOFTWARE\KasperskyLab\x`, "", 0},
}

var purls = []string{"", "pkg:deb/kesl@12", "pkg:npm/%40kaspersky/hexa-ui@5", "pkg:golang/github.com/kaspersky/gengine@v1", "pkg:npm/left-pad@1", "pkg:rpm/kics@3"}

func randomInventory(r *rand.Rand) *sbom.Inventory {
	var cs []sbom.Component
	for i := range 1 + r.IntN(8) {
		var es []ev
		for range r.IntN(5) {
			es = append(es, pool[r.IntN(len(pool))])
		}
		c := file(fmt.Sprintf("/d%d/f%d", r.IntN(3), i), es...)
		c.PURL = purls[r.IntN(len(purls))]
		if len(cs) > 0 && r.IntN(3) == 0 {
			c.Contains = []string{fmt.Sprintf("c%d", r.IntN(len(cs)))}
		}
		c.Ref = fmt.Sprintf("c%d", i)
		cs = append(cs, c)
	}
	return inventory(cs...)
}

// TestJudgeIsAFunctionOfTheFacts: whatever the order of components, evidence
// and occurrences, the verdict is the same, and nothing is changed by judging.
func TestJudgeIsAFunctionOfTheFacts(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		inv := randomInventory(r)
		p := denylist.Policy{AllEffects: true, Mentions: true, AsOf: today}
		want := builtin.List().Judge(inv, p)

		shuffled := *inv
		shuffled.Components = append([]sbom.Component(nil), inv.Components...)
		for i := range shuffled.Components {
			c := &shuffled.Components[i]
			c.Evidence = append([]sbom.Evidence(nil), c.Evidence...)
			r.Shuffle(len(c.Evidence), func(a, b int) { c.Evidence[a], c.Evidence[b] = c.Evidence[b], c.Evidence[a] })
		}
		r.Shuffle(len(shuffled.Components), func(a, b int) {
			shuffled.Components[a], shuffled.Components[b] = shuffled.Components[b], shuffled.Components[a]
		})
		if d := cmp.Diff(want, builtin.List().Judge(&shuffled, p)); d != "" {
			t.Fatalf("seed %d: order changed the verdict:\n%s", seed, d)
		}
	}
}

// TestJudgeForgetsNothing: what was judged before does not change what is judged
// next, be it the same or thousands of others in any order.
func TestJudgeForgetsNothing(t *testing.T) {
	p := denylist.Policy{AllEffects: true, Mentions: true, AsOf: today}
	used := denylist.Merge(builtin.List(), &denylist.List{})
	for _, n := range rand.New(rand.NewPCG(1, 7)).Perm(2000) {
		used.Judge(randomInventory(rand.New(rand.NewPCG(uint64(n), 3))), p)
	}
	for seed := range uint64(20) {
		inv := randomInventory(rand.New(rand.NewPCG(seed, 8)))
		if d := cmp.Diff(denylist.Merge(builtin.List(), &denylist.List{}).Judge(inv, p), used.Judge(inv, p)); d != "" {
			t.Fatalf("seed %d: two thousand others changed the verdict:\n%s", seed, d)
		}
	}
	for seed := range uint64(60) {
		inv := randomInventory(rand.New(rand.NewPCG(seed, 3)))
		again := builtin.List()
		again.Judge(inv, p)
		if d := cmp.Diff(denylist.Merge(builtin.List(), &denylist.List{}).Judge(inv, p).Findings, again.Judge(inv, p).Findings); d != "" {
			t.Fatalf("seed %d: what came before changed the verdict:\n%s", seed, d)
		}
	}
	// Two components that differ in what one says only are two.
	for i, c := range []sbom.Component{
		{PURL: "pkg:npm/a@1"}, {PURL: "pkg:npm/%40kaspersky/a@1"}, {Group: "@acme", Name: "a"}, {Group: "@kaspersky", Name: "a"},
		{CPEs: []string{"cpe:2.3:a:acme:b:1:*:*:*:*:*:*:*"}}, {CPEs: []string{"cpe:2.3:a:kaspersky:b:1:*:*:*:*:*:*:*"}},
		{Supplier: "Acme"}, {Supplier: "Kaspersky Lab"}, {Publisher: "Acme"}, {Publisher: "Kaspersky Lab"},
		{Manufacturer: "Acme"}, {Manufacturer: "Kaspersky Lab"}, {Authors: []string{"Acme"}}, {Authors: []string{"Kaspersky Lab"}},
		{References: []sbom.Reference{{Type: "website", URL: "https://acme.example"}}}, {References: []sbom.Reference{{Type: "website", URL: "https://kaspersky.com"}}},
		{Evidence: []sbom.Evidence{{Kind: sbom.ELFSoname, Value: "NET_DVR_"}}}, {Evidence: []sbom.Evidence{{Kind: sbom.SymbolFamily, Value: "NET_DVR_", Count: 30}}},
	} {
		c.Ref, c.Type = "c", sbom.Library
		if found := len(builtin.List().Judge(inventory(c), p).Findings) > 0; found != (i%2 == 1) {
			t.Errorf("component %d: found is %v: %+v", i, found, c)
		}
	}
}

// TestLevels: laws that hold for every verdict.
func TestLevels(t *testing.T) {
	order := map[denylist.Level]int{denylist.Mention: 0, denylist.Review: 1, denylist.Denied: 2}
	for seed := range uint64(300) {
		inv := randomInventory(rand.New(rand.NewPCG(seed, 2)))
		v := builtin.List().Judge(inv, denylist.Policy{Mentions: true, AsOf: today})
		ids := map[string]bool{}
		denied := false
		for _, f := range v.Findings {
			denied = denied || f.Level == denylist.Denied
			if order[f.Level] > order[f.Identity] {
				t.Errorf("seed %d: the law made %s stricter than its evidence", seed, f.ID)
			}
			if len(f.Matches) == 0 || f.Why == "" || f.Change == "" || ids[f.ID] {
				t.Errorf("seed %d: %s has no proof, no reason, or the ID of another", seed, f.ID)
			}
			ids[f.ID] = true
			decides := false
			for _, p := range f.Matches {
				decides = decides || p.Verified && (p.Strength == denylist.Decisive || p.Strength == denylist.Strong)
			}
			if f.Identity == denylist.Denied && !decides {
				t.Errorf("seed %d: %s is denied without a verified proof", seed, f.ID)
			}
		}
		if denied != (v.Outcome == denylist.Deny) {
			t.Errorf("seed %d: outcome %s", seed, v.Outcome)
		}
	}
}

// stored is a document of 500 components as a registry is full of, with one
// finding in it.
func stored() *sbom.Inventory {
	types := []string{"npm", "deb/debian", "pypi", "golang/github.com/acme", "maven/org.acme"}
	var cs []sbom.Component
	for i := range 499 {
		cs = append(cs, pkg(fmt.Sprintf("pkg:%s/component-%d@1.%d", types[i%len(types)], i, i), func(c *sbom.Component) {
			c.Supplier = "Debian Perl Group <pkg-perl-maintainers@lists.alioth.debian.org>"
			c.Authors = []string{"Some Body <some@body.example>"}
			c.CPEs = []string{fmt.Sprintf("cpe:2.3:a:component-%d:component-%d:1:*:*:*:*:*:*:*", i, i)}
			c.References = []sbom.Reference{{Type: "website", URL: "https://acme.example/x"}, {Type: "vcs", URL: "https://github.com/acme/x"}}
			c.Evidence = []sbom.Evidence{{Kind: sbom.PackageName, Value: "component"}, {Kind: sbom.ELFSoname, Value: "libacme.so.1"}}
		}))
	}
	return inventory(append(cs, pkg("pkg:deb/kesl@12", nil))...)
}

// BenchmarkJudge judges one stored document of 500 components: 10,000 of them
// have to take less than 10 s on one core, 1 ms each. None of its components
// was ever seen in "first", all of them in "again".
func BenchmarkJudge(b *testing.B) {
	for _, again := range []bool{false, true} {
		b.Run(map[bool]string{false: "first", true: "again"}[again], func(b *testing.B) {
			inv, l := stored(), builtin.List()
			l.Judge(inv, denylist.Policy{})
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if !again {
					for i := range inv.Components {
						inv.Components[i].Group = strconv.Itoa(n)
					}
				}
				if v := l.Judge(inv, denylist.Policy{AsOf: today}); v.Outcome != denylist.Deny {
					b.Fatal(v.Outcome)
				}
			}
		})
	}
}

// BenchmarkJudgeFacts reads and judges the stored facts of one such document:
// 100,000 have to take less than 60 s on one core, 0.6 ms each.
func BenchmarkJudgeFacts(b *testing.B) {
	data, l := facts.Encode(stored()), builtin.List()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		inv, err := facts.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		if v := l.Judge(inv, denylist.Policy{AsOf: today}); v.Outcome != denylist.Deny {
			b.Fatal(v.Outcome)
		}
	}
}

// BenchmarkWatch asks for every path of a large image.
func BenchmarkWatch(b *testing.B) {
	w := builtin.List().Watch()
	paths := []string{"/usr/share/doc/libc6/changelog.Debian.gz", "/usr/lib/python3/dist-packages/yaml/__pycache__/reader.cpython-311.pyc", "/opt/kaspersky/kesl/bin/kesl-control"}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, p := range paths {
			if w.Matches(sbom.Path, p) {
				n++
			}
		}
	}
	if n == 0 {
		b.Fatal("nothing matched")
	}
}
