package source

import (
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// platforms are those that the user wants; all is set for "all", and without
// either the host's is wanted.
type platforms struct {
	all  bool
	list []v1.Platform
}

func parsePlatforms(words []string) (platforms, error) {
	var p platforms
	for _, w := range words {
		for s := range strings.SplitSeq(w, ",") {
			s = strings.ToLower(strings.TrimSpace(s))
			if s == "all" {
				p.all = true
				continue
			}
			parts := strings.Split(s, "/")
			if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
				return p, problem("write it as os/arch[/variant], for example linux/arm64, or all", "%q is no platform", w)
			}
			pl := v1.Platform{OS: parts[0], Architecture: parts[1]}
			if len(parts) == 3 {
				pl.Variant = parts[2]
			}
			p.list = append(p.list, normalize(pl))
		}
	}
	return p, nil
}

// CheckPlatforms returns an error, with a hint, if [Options.Platforms] cannot be
// these.
func CheckPlatforms(words []string) error {
	_, err := parsePlatforms(words)
	return err
}

func (p platforms) none() bool { return !p.all && len(p.list) == 0 }

// normalize gives a platform its one spelling, as containerd does
// (github.com/containerd/platforms, Normalize).
func normalize(p v1.Platform) v1.Platform {
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

// platformString is "os/arch[/variant]", or empty where nothing is known.
func platformString(p v1.Platform) string {
	p = normalize(p)
	if p.OS == "" && p.Architecture == "" {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// hostPlatforms are the platforms that this machine runs, the best first. Other
// systems than Windows run Linux images, in a virtual machine if need be.
func hostPlatforms() []v1.Platform {
	host := []v1.Platform{{OS: runtime.GOOS, Architecture: runtime.GOARCH}}
	if runtime.GOOS != "linux" {
		host = append(host, v1.Platform{OS: "linux", Architecture: runtime.GOARCH})
	}
	return host
}

// matching are the indices of have that fit want. Without a variant the
// architecture's usual one is taken if it is there, else all variants: what
// might be meant is looked at rather than left out. Of Windows all versions fit.
func matching(want v1.Platform, have []v1.Platform) []int {
	var exact, usual, any []int
	for i, h := range have {
		h = normalize(h)
		if h.OS != want.OS || h.Architecture != want.Architecture {
			continue
		}
		any = append(any, i)
		if h.Variant == want.Variant {
			exact = append(exact, i)
		}
		if h.Architecture == "arm" && h.Variant == "v7" {
			usual = append(usual, i)
		}
	}
	switch {
	case want.Variant != "" || len(exact) > 0:
		return exact
	case len(usual) > 0:
		return usual
	}
	return any
}

// choose returns the indices of the wanted platforms, in the order of have.
func (p platforms) choose(have []v1.Platform) ([]int, error) {
	var chosen []int
	switch {
	case p.all:
		for i := range have {
			chosen = append(chosen, i)
		}
	case p.none():
		for _, h := range hostPlatforms() {
			if chosen = matching(h, have); len(chosen) > 0 {
				break
			}
		}
		if len(chosen) == 0 && len(have) == 1 {
			chosen = []int{0}
		}
		if len(chosen) == 0 {
			return nil, problem("choose with --platform OS/ARCH, or --platform all", "the image is not for this machine's platform %s; it is for %s", platformString(hostPlatforms()[0]), list(have))
		}
	}
	for _, w := range p.list {
		found := matching(w, have)
		if len(found) == 0 && !p.all {
			return nil, problem("choose one of those with --platform, or all", "the image is not for %s; it is for %s", platformString(w), list(have))
		}
		chosen = append(chosen, found...)
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// accepts checks the one platform of an image that is in no index. A platform
// that is not known is accepted: to look is never wrong.
func (p platforms) accepts(have v1.Platform) error {
	if p.all || p.none() || platformString(have) == "" {
		return nil
	}
	for _, w := range p.list {
		if len(matching(w, []v1.Platform{have})) > 0 {
			return nil
		}
	}
	_, err := p.choose([]v1.Platform{have})
	return err
}

func list(have []v1.Platform) string {
	var names []string
	for _, h := range have {
		n := platformString(h)
		if n == "" {
			n = "an unknown platform"
		}
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "no platform at all"
	}
	return strings.Join(names, ", ")
}
