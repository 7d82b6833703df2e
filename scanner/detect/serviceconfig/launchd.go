package serviceconfig

import (
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/infoplist"
)

// launchd reads a job of macOS (launchd.plist(5)): its label, which is by
// custom a reversed domain name, and its program. Those that macOS has itself
// are not noted.
func launchd(n *notes, b []byte) {
	v, err := infoplist.Values(b)
	if err != nil || len(v["Label"]) == 0 || strings.Contains(n.path, "/System/Library/") {
		return
	}
	n.add(sbom.Autostart, v["Label"][0], "Label")
	if p := v["Program"]; len(p) > 0 {
		n.add(sbom.Autostart, p[0], "Program")
	}
	args := v["ProgramArguments"]
	if len(args) == 0 {
		return
	}
	n.add(sbom.Autostart, args[0], "ProgramArguments")
	if !runners.MatchString(path.Base(args[0])) {
		return
	}
	for _, a := range args[1:] {
		if strings.HasPrefix(a, "/") && !strings.ContainsAny(a, ";|&") {
			n.add(sbom.Autostart, a, "ProgramArguments")
		} else if strings.Contains(a, " /") {
			n.programs(sbom.Autostart, a, "ProgramArguments")
		}
	}
}
