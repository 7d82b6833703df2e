package builtin

import "testing"

func TestLoad(t *testing.T) {
	l, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(l.ID(), len(l.Watch().Fingerprints))
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		l, err := load(files)
		if err != nil {
			b.Fatal(err)
		}
		l.Watch()
	}
}
