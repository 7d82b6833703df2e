package source

import (
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner/registry"
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
			pl, err := registry.ParsePlatform(s)
			if err != nil {
				return p, problem("write it as os/arch[/variant], for example linux/arm64, or all", "%w", err)
			}
			p.list = append(p.list, pl)
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

// hostPlatforms are the platforms that this machine runs, the best first. Other
// systems than Windows run Linux images, in a virtual machine if need be.
func hostPlatforms() []v1.Platform {
	host := []v1.Platform{{OS: runtime.GOOS, Architecture: runtime.GOARCH}}
	if runtime.GOOS != "linux" {
		host = append(host, v1.Platform{OS: "linux", Architecture: runtime.GOARCH})
	}
	return host
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
			if chosen = registry.MatchPlatform(h, have); len(chosen) > 0 {
				break
			}
		}
		if len(chosen) == 0 && len(have) == 1 {
			chosen = []int{0}
		}
		if len(chosen) == 0 {
			return nil, noneSuch("choose with --platform OS/ARCH, or --platform all", "the image is not for this machine's platform %s; it is for %s", registry.PlatformString(hostPlatforms()[0]), list(have))
		}
	}
	for _, w := range p.list {
		found := registry.MatchPlatform(w, have)
		if len(found) == 0 && !p.all {
			return nil, noneSuch("choose one of those with --platform, or all", "the image is not for %s; it is for %s", registry.PlatformString(w), list(have))
		}
		chosen = append(chosen, found...)
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// accepts checks the one platform of an image that is in no index. A platform
// that is not known is accepted: to look is never wrong.
func (p platforms) accepts(have v1.Platform) error {
	if p.all || p.none() || registry.PlatformString(have) == "" {
		return nil
	}
	for _, w := range p.list {
		if len(registry.MatchPlatform(w, []v1.Platform{have})) > 0 {
			return nil
		}
	}
	_, err := p.choose([]v1.Platform{have})
	return err
}

func list(have []v1.Platform) string {
	var names []string
	for _, h := range have {
		n := registry.PlatformString(h)
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
