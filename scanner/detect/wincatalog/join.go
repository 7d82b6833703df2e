package wincatalog

import (
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// Join gives the signers of catalogs to the components that the catalogs list:
// to a PE by its Authenticode digest, to any other file by the digest of its
// bytes. The evidence is at the file's place, and its Where names the catalog.
// It then drops the lists, which are long: call it once, when the components
// of all layers are known and have their places, before Normalize.
//
// It changes the elements of cs in place.
func Join(cs []sbom.Component) {
	lists := map[string][]int{} // by digest
	for i := range cs {
		for _, p := range cs[i].Properties {
			if p.Name == PropertySHA1 || p.Name == PropertySHA256 {
				lists[p.Value] = append(lists[p.Value], i)
			}
		}
	}
	if len(lists) == 0 {
		return
	}
	for i := range cs {
		var added []int
		for _, d := range digests(&cs[i]) {
			for _, from := range lists[d] {
				if from != i && !slices.Contains(added, from) {
					added = append(added, from)
					sign(&cs[i], &cs[from])
				}
			}
		}
	}
	for i := range cs {
		cs[i].Properties = slices.DeleteFunc(cs[i].Properties, func(p sbom.Property) bool {
			return p.Name == PropertySHA1 || p.Name == PropertySHA256
		})
	}
}

// digests are those by which a catalog would list a component.
func digests(c *sbom.Component) []string {
	var ds []string
	for _, p := range c.Properties {
		if p.Name == fileSHA1 || p.Name == fileSHA256 {
			ds = append(ds, p.Value)
		}
	}
	for _, h := range c.Hashes {
		if h.Algorithm == "SHA-1" || h.Algorithm == "SHA-256" {
			ds = append(ds, h.Value)
		}
	}
	return ds
}

func sign(c, catalog *sbom.Component) {
	if len(c.Occurrences) == 0 {
		return
	}
	for _, e := range catalog.Evidence {
		if !signer(e.Kind) {
			continue
		}
		at := e.Path
		e.Where = "in catalog " + at + ", " + strings.TrimPrefix(e.Where, "catalog ")
		for _, o := range c.Occurrences {
			e.Path, e.Layer = o.Path, o.Layer
			c.Evidence = append(c.Evidence, e)
		}
	}
}

func signer(k sbom.Kind) bool {
	switch k {
	case sbom.SignerO, sbom.SignerCN, sbom.SignerOClaimed, sbom.SignerCNClaimed, sbom.SignerProgram:
		return true
	}
	return false
}
