package watch

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
)

func TestFamilies(t *testing.T) {
	m := New(&sbom.Watch{
		Symbols:        []string{"CLIENT_Cleanup", "_private"},
		SymbolPrefixes: []string{"NET_DVR_", "NET_", "PLAY_"},
		Namespaces:     []string{"Dahua", "Infra"},
	})
	names := []string{
		"NET_DVR_Init", "NET_DVR_Init", "_NET_DVR_Cleanup", "_NET_DVR_Login@12", // C, Mach-O, stdcall
		"CLIENT_Cleanup", "_private", "client_cleanup", "PLAY", "xNET_DVR_Init",
		"?NET_DVR_Open@@YAHXZ", "_Z13NET_DVR_Closev", // C++ in no scope
		"_ZN5Dahua5Infra6CTimerC1Ev", "_ZTVN5Dahua5Infra6CTimerE", "__ZNK5Dahua4sizeEv",
		"?now@CTimer@Infra@Dahua@@QEAAHXZ", "??_7CTimer@Dahua@@6B@",
		// Not in the namespace: argument types, a class, templates over its types.
		"_Z3useN5Dahua5OtherE", "?use@@YAXPEAVOther@Dahua@@@Z", "_ZNSt6vectorIN5Dahua1AEE4sizeEv",
		"??0?$vector@VA@Dahua@@@std@@QEAA@XZ", "_ZN5OtherE", "_ZN5DahuaE", "_ZN99999Dahua", "_ZN", "?", "??", "_Z", "@@",
	}
	got := m.Families(slices.Values(names), "exports")
	want := []sbom.Evidence{
		{Kind: sbom.CXXNamespace, Value: "Dahua", Where: "exports", Count: 5},
		{Kind: sbom.CXXNamespace, Value: "Infra", Where: "exports", Count: 3},
		{Kind: sbom.Symbol, Value: "CLIENT_Cleanup", Where: "exports"},
		{Kind: sbom.Symbol, Value: "_private", Where: "exports"},
		{Kind: sbom.SymbolFamily, Value: "NET_", Where: "exports", Count: 5},
		{Kind: sbom.SymbolFamily, Value: "NET_DVR_", Where: "exports", Count: 5},
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := New(nil).Families(slices.Values(names), ""); got != nil {
		t.Errorf("nil Watch found %v", got)
	}
}

func TestStrings(t *testing.T) {
	const legal, chinese = "HANGZHOU HIKVISION DIGITAL", "海思半导体"
	text := strings.Repeat("x", 256<<10-10) + legal + "\x00" + chinese + legal + string(wide("Acme")) + string(wide("nowhere")[1:])
	m := New(&sbom.Watch{Strings: []string{legal, chinese, "Acme", "nowhere", "a", ""}})
	want := []sbom.Evidence{
		{Kind: sbom.BinaryString, Value: "Acme", Where: "offset 0x4003a, UTF-16LE", Count: 1},
		{Kind: sbom.BinaryString, Value: legal, Where: "offset 0x3fff6", Count: 2},
		{Kind: sbom.BinaryString, Value: chinese, Where: "offset 0x40011", Count: 1},
	}
	got, _, err := m.Strings(context.Background(), strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	broken := readerAt(func([]byte, int64) (int, error) { return 0, iotest.ErrTimeout })
	if _, _, err := m.Strings(context.Background(), broken, 10); err == nil {
		t.Error("a reader's error was lost")
	}
}

type readerAt func([]byte, int64) (int, error)

func (f readerAt) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

// The law: exactly the strings that bytes.Contains finds are found, wherever
// the chunks are cut.
func FuzzStrings(f *testing.F) {
	f.Add([]byte("abcabcab"), "abc", "bca", uint16(3))
	f.Add(append(wide("needle"), "needle"...), "needle", "eed", uint16(256<<10&0xffff))
	f.Fuzz(func(t *testing.T, text []byte, a, b string, pad uint16) {
		text = append(bytes.Repeat([]byte{0}, 256<<10-int(pad)), text...)
		m := New(&sbom.Watch{Strings: []string{a, b}})
		got, _, err := m.Strings(t.Context(), bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{a, b} {
			if len(s) < minNeedle || len(s) > maxNeedle/2 {
				continue
			}
			i, found := slices.BinarySearchFunc(got, s, func(e sbom.Evidence, s string) int { return cmp.Compare(e.Value, s) })
			in := bytes.Contains(text, []byte(s)) || bytes.Contains(text, wide(s))
			if in != found {
				t.Fatalf("%q: found %v, is there %v (%d)", s, found, in, i)
			}
		}
	})
}

func FuzzScopes(f *testing.F) {
	f.Add("_ZN5Dahua5Infra6CTimerC1Ev")
	f.Add("??_7CTimer@Dahua@@6B@")
	f.Fuzz(func(t *testing.T, s string) {
		if !strings.Contains(s, plainName(s)) {
			t.Errorf("plainName(%q) is no part of it", s)
		}
		for scope := range scopes(s) {
			if !strings.Contains(s, scope) {
				t.Errorf("scope %q of %q is no part of it", scope, s)
			}
		}
	})
}

func BenchmarkStrings(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var words []string
	for range 300 {
		w := make([]byte, 6+r.IntN(30))
		for i := range w {
			w[i] = byte('A' + r.IntN(57))
		}
		words = append(words, string(w))
	}
	m := New(&sbom.Watch{Strings: words})
	text := make([]byte, 8<<20)
	for i := range text {
		if r.IntN(4) > 0 {
			text[i] = byte(r.UintN(128))
		}
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, _, err := m.Strings(b.Context(), bytes.NewReader(text), int64(len(text))); err != nil {
			b.Fatal(err)
		}
	}
}
