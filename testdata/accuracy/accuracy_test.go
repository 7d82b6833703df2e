package main

import (
	"os"
	"testing"
)

// Every product of the list is found, and nothing innocent is denied.
func TestAccuracy(t *testing.T) {
	rs, err := measure(t.Context(), t.TempDir(), allProbes())
	if err != nil {
		t.Fatal(err)
	}
	rs.print(os.Stdout, false)
	for _, r := range rs.wrong() {
		t.Errorf("%s: missed %v, falsely %v", r.name, r.missed(), r.others())
	}
	positives, innocent := 0, 0
	for i := range rs {
		if rs[i].vendor != "" {
			positives++
		} else {
			innocent += rs[i].files
		}
	}
	if positives < 150 || innocent < 400 {
		t.Errorf("%d products and %d innocent files: want at least 150 and 400", positives, innocent)
	}
}
