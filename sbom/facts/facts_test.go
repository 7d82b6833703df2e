package facts_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/facts"
)

// random fills a value: few different texts, lists of up to three.
func random(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			random(r, v.Field(i))
		}
	case reflect.Slice:
		if n := r.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				random(r, v.Index(i))
			}
		}
	case reflect.Map:
		if r.IntN(2) == 0 {
			v.Set(reflect.ValueOf(map[string]string{"a": "b", "c": ""}))
		}
	case reflect.String:
		v.SetString([]string{"", "website", "vcs", "0123abcd", "0123ABCD", "org.acme", "\x00é", "pkg:npm/a@1", fmt.Sprint(r.IntN(20))}[r.IntN(9)])
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.IntN(4)))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	}
}

// TestRoundTrip: what is read is what Reduce keeps, and equal inventories have
// equal bytes.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(500) {
		inv := &sbom.Inventory{}
		random(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(inv).Elem())
		data := facts.Encode(inv)
		read, err := facts.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		want := inv.Reduce()
		want.Tool.Watched = read.Tool.Watched // a set: see below
		if len(want.Components) == 0 {
			want.Components = nil
		}
		if d := cmp.Diff(want, read); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		if !sameSet(inv.Tool.Watched, read.Tool.Watched) {
			t.Fatalf("seed %d: watched %v, want %v", seed, read.Tool.Watched, inv.Tool.Watched)
		}
		if !bytes.Equal(data, facts.Encode(read)) {
			t.Fatalf("seed %d: written again, it has other bytes", seed)
		}
	}
}

func sameSet(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return len(a) == len(b)
}

// TestDamaged: a truncated record is an error, never less than what was there.
func TestDamaged(t *testing.T) {
	inv := &sbom.Inventory{}
	random(rand.New(rand.NewPCG(3, 1)), reflect.ValueOf(inv).Elem())
	data := facts.Encode(inv)
	for n := range data {
		if _, err := facts.Decode(data[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are read as if they were all", n, len(data))
		}
	}
	if _, err := facts.Decode(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte too many is no error")
	}
	data[0]++
	if _, err := facts.Decode(data); err == nil {
		t.Error("another version is read")
	}
}

// FuzzDecode: no bytes make it panic or take much memory, and what is read can
// be written and read again.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(5) {
		inv := &sbom.Inventory{}
		random(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(inv).Elem())
		f.Add(facts.Encode(inv))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inv, err := facts.Decode(data)
		if err != nil {
			return
		}
		again, err := facts.Decode(facts.Encode(inv))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(facts.Encode(inv), facts.Encode(again)); d != "" {
			t.Fatal(d)
		}
	})
}
