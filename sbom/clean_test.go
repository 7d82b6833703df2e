package sbom_test

import (
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/interdict/interdict/sbom"
)

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"/usr/bin/env":       "/usr/bin/env",
		"/opt/Ünïcode/文件":    "/opt/Ünïcode/文件",
		"tab\tand\nline":     "tab\tand\nline",
		"a\rb\x1b[31m\x7f":   `a\x0db\x1b[31m\x7f`,
		"latin1 \xe9t\xe9":   `latin1 \xe9t\xe9`,
		"no \ufffe\uffff":    `no \u{fffe}\u{ffff}`,
		"replacement \ufffd": "replacement \ufffd",
	} {
		if got := sbom.CleanText(in); got != want {
			t.Errorf("CleanText(%q) = %q, want %q", in, got, want)
		}
	}
	idempotent := func(b []byte) bool {
		once := sbom.CleanText(string(b))
		return utf8.ValidString(once) && sbom.CleanText(once) == once
	}
	if err := quick.Check(idempotent, nil); err != nil {
		t.Error(err)
	}
}
