package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Watch names the facts that are too many to note all: which paths, symbols
// and strings are worth an Evidence. It is how a denylist tells a scan what to
// look for without the scan knowing any law. The zero value watches nothing.
//
// A Watch is not changed once it is in use and may be shared by goroutines.
type Watch struct {
	Symbols        []string // exact symbol or export names
	SymbolPrefixes []string // "NET_DVR_": counted, noted as SymbolFamily
	Namespaces     []string // C++ namespaces without "::"
	Strings        []string // looked for in the bytes of programs, in UTF-8 and UTF-16LE
	// Match reports whether a fact of another kind is worth noting; nil is never.
	Match func(Kind, string) bool
	// Folder returns the folder of the most special pattern that a path is in,
	// as it is written in the path and without a final slash, or "" when the
	// path is in none. Facts of one folder are interchangeable; nil knows none.
	Folder func(path string) string
	// Fingerprints identify the patterns watched for; see Fingerprint.
	Fingerprints []string
}

// Matches reports whether the fact is worth noting.
func (w *Watch) Matches(k Kind, value string) bool {
	return w != nil && w.Match != nil && w.Match(k, value)
}

// ContentKey identifies what the Watch looks for: results of two Watches with
// equal keys are interchangeable.
func (w *Watch) ContentKey() string {
	if w == nil {
		return ""
	}
	h := sha256.New()
	for _, set := range [][]string{w.Symbols, w.SymbolPrefixes, w.Namespaces, w.Strings, w.Fingerprints} {
		s := slices.Sorted(slices.Values(set))
		h.Write([]byte(strings.Join(slices.Compact(s), "\x00") + "\x01"))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Fingerprint identifies one pattern in Tool.Watched: 8 hexadecimal digits.
func Fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:4])
}
