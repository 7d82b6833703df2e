package denylist

import (
	"strings"

	"github.com/interdict/interdict/sbom"
)

// generated reports whether a tool may have made the CPE's vendor from the
// name of the package, its group or its address, as syft does for every
// package. Such a vendor says nothing that the name does not.
func generated(vendor string, c *sbom.Component) bool {
	for _, s := range []string{c.Name, c.Group, c.PURL} {
		if containsFold(s, vendor) || strings.ContainsAny(vendor, "_-") &&
			(containsFold(s, strings.ReplaceAll(vendor, "_", "-")) || containsFold(s, strings.ReplaceAll(vendor, "-", "_"))) {
			return true
		}
	}
	return false
}

func containsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}
