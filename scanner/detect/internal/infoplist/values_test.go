package infoplist

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"howett.net/plist"
)

func TestValues(t *testing.T) {
	job := map[string]any{
		"Label": "com.acme.guard", "RunAtLoad": true, "Nice": 5,
		"ProgramArguments":     []string{"/bin/sh", "-c", "/usr/local/acme/guardd — x"},
		"EnvironmentVariables": map[string]any{"Label": "not this", "List": []string{"nor this"}},
		"WatchPaths":           []any{"/a", []string{"/deep"}, 7, "/b"},
	}
	want := map[string][]string{
		"Label": {"com.acme.guard"}, "ProgramArguments": {"/bin/sh", "-c", "/usr/local/acme/guardd — x"}, "WatchPaths": {"/a", "/b"},
	}
	for _, form := range []int{plist.XMLFormat, plist.BinaryFormat} {
		b, err := plist.Marshal(job, form)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Values(b)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", plist.FormatNames[form], err, d)
		}
	}
	if _, err := Values([]byte("bplist00")); err == nil {
		t.Error("nothing was read, and nobody says so")
	}
}

func FuzzValues(f *testing.F) {
	f.Add([]byte(`<plist><dict><key>A</key><array><string>b</string></array></dict></plist>`))
	if b, err := plist.Marshal(map[string]any{"A": []string{"b"}, "C": "d"}, plist.BinaryFormat); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _ := Values(b)
		for k, vs := range m {
			if len(vs) > maxArray+1 {
				t.Fatalf("%q has %d values", k, len(vs))
			}
		}
	})
}
