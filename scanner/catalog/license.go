package catalog

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/license"
	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/sbom"
)

const (
	// maxLicenseName is the longest name of a license that is no text, in bytes.
	maxLicenseName = 200
	// maxLicenseText is how much of a license's text is read, in bytes.
	maxLicenseText = 256 << 10
)

// licensesOf returns what the package says that its licenses are. Of one that
// is given as a text it tells what the text refers to, or where the text is:
// syft has no more than its digest to say.
func licensesOf(r *resolver, p *pkg.Package) []sbom.License {
	var out []sbom.License
	var texts []file.Location
	for _, l := range p.Licenses.ToSlice() {
		s := sbom.License{Declared: l.Type == license.Declared}
		switch {
		case l.SPDXExpression != "" && !strings.ContainsAny(l.SPDXExpression, " ()") && !strings.HasPrefix(l.SPDXExpression, "LicenseRef-"):
			s.ID = l.SPDXExpression
		case l.SPDXExpression != "":
			s.Expression = l.SPDXExpression
		case l.Value != "" && len(l.Value) <= maxLicenseName && !strings.HasPrefix(l.Value, "sha256:"):
			s.Name = sbom.CleanValue(l.Value)
		default:
			texts = append(texts, l.Locations.ToSlice()...)
			continue
		}
		if len(l.URLs) > 0 {
			s.URL = l.URLs[0]
		}
		out = append(out, s)
	}
	if len(out) > 0 {
		return out
	}
	for _, l := range texts {
		out = append(out, textLicenses(r, l)...)
	}
	return out
}

// commonLicense is how a Debian package's copyright file refers to a license
// that all have (Debian Policy, section 12.5).
var commonLicense = regexp.MustCompile(`/usr/share/common-licenses/([0-9A-Za-z][0-9A-Za-z.+-]*[0-9A-Za-z+])`)

// textLicenses names the licenses that a text refers to, else the text's place.
// They are conclusions: the text may say more.
func textLicenses(r *resolver, l file.Location) []sbom.License {
	c, err := r.view.open(l)
	if err != nil {
		return nil
	}
	defer c.Close()
	text, err := io.ReadAll(io.LimitReader(c, maxLicenseText))
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range commonLicense.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	var out []sbom.License
	for _, n := range slices.Compact(names) {
		switch n {
		case "Apache-2.0", "CC0-1.0", "MPL-1.1", "MPL-2.0": // one license; "GPL-2" may be "or later"
			out = append(out, sbom.License{ID: n})
		default:
			out = append(out, sbom.License{Name: n})
		}
	}
	if len(out) == 0 {
		out = append(out, sbom.License{Name: sbom.CleanValue("text in " + l.RealPath)})
	}
	return out
}
