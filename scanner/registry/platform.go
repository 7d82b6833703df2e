package registry

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ParsePlatform reads "os/arch[/variant]" in any of its usual spellings.
func ParsePlatform(s string) (v1.Platform, error) {
	parts := strings.Split(strings.TrimSpace(s), "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return v1.Platform{}, fmt.Errorf("%q is no platform", clean(s))
	}
	p := v1.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return NormalizePlatform(p), nil
}

// NormalizePlatform gives a platform its one spelling, as containerd does
// (github.com/containerd/platforms, Normalize).
func NormalizePlatform(p v1.Platform) v1.Platform {
	p.OS, p.Architecture, p.Variant = strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)
	if p.OS == "macos" {
		p.OS = "darwin"
	}
	switch p.Architecture {
	case "i386", "x86":
		p.Architecture = "386"
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	}
	switch {
	case p.Architecture == "arm64" && (p.Variant == "8" || p.Variant == "v8"),
		p.Architecture == "amd64" && p.Variant == "v1":
		p.Variant = ""
	case p.Architecture == "arm" && len(p.Variant) == 1:
		p.Variant = "v" + p.Variant
	}
	return p
}

// PlatformString is "os/arch[/variant]", or empty where nothing is known.
func PlatformString(p v1.Platform) string {
	p = NormalizePlatform(p)
	if p.OS == "" && p.Architecture == "" {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// MatchPlatform returns the indices of have that fit want, a normal one. Without
// a variant the architecture's usual one is taken if it is there, else all
// variants: what might be meant is looked at rather than left out. Of amd64 all
// variants fit, because they are levels of one machine (v3, v4) and not others:
// which one runs depends on the host and its runtime. Of Windows all versions
// fit.
func MatchPlatform(want v1.Platform, have []v1.Platform) []int {
	var exact, usual, fits []int
	for i, h := range have {
		h = NormalizePlatform(h)
		if h.OS != want.OS || h.Architecture != want.Architecture {
			continue
		}
		fits = append(fits, i)
		if h.Variant == want.Variant {
			exact = append(exact, i)
		}
		if h.Architecture == "arm" && h.Variant == "v7" {
			usual = append(usual, i)
		}
	}
	switch {
	case want.Variant == "" && want.Architecture == "amd64":
		return fits
	case want.Variant != "" || len(exact) > 0:
		return exact
	case len(usual) > 0:
		return usual
	}
	return fits
}
