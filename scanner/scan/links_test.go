package scan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scan"
)

// linked are images, each layer a list for tarOf, in which a container finds
// /opt/PRODUCT/bin/agent, or its package, only by way of links.
var linked = map[string][][]string{
	"written through a link":             {{"etc/x=1"}, {"o -> opt", "o/PRODUCT/bin/agent=#!/bin/sh"}},
	"written through a link below":       {{"o -> opt"}, {"o/PRODUCT/bin/agent=#!/bin/sh"}},
	"opt is a link":                      {{"opt -> usr/opt"}, {"usr/opt/PRODUCT/bin/agent=#!/bin/sh"}},
	"opt becomes a link":                 {{"usr/opt/PRODUCT/bin/agent=#!/bin/sh"}, {"opt -> usr/opt"}},
	"the product's folder is a link":     {{"opt/PRODUCT -> /x"}, {"x/bin/agent=#!/bin/sh"}},
	"two links":                          {{"opt -> /usr/opt", "usr/opt/PRODUCT -> ../../srv/p"}, {"srv/p/bin/agent=#!/bin/sh"}},
	"links in a circle beside it":        {{"a/a -> /a", "a/b -> ../a", "opt -> a/a"}, {"a/PRODUCT/bin/agent=#!/bin/sh"}},
	"a program, which has its component": {{"opt -> usr/opt"}, {"usr/opt/PRODUCT/bin/agent=\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)}},
	"a package database is a hard link": {{"etc/os-release=ID=debian", "tmp/status=Package: PRODUCT\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"},
		{"var/lib/dpkg/status => tmp/status"}},
}

// TestLinks: a product is found where a container sees it. Of its innocent twin
// nothing is found; neither has a gap.
func TestLinks(t *testing.T) {
	cache := folder(t)
	for name, layers := range linked {
		for _, product := range []string{"acme", "innocent"} {
			var all []stored
			for _, files := range layers {
				var made []string
				for _, f := range files {
					made = append(made, strings.ReplaceAll(f, "PRODUCT", product))
				}
				all = append(all, plainly(tarOf(t, made...)))
			}
			target := "oci-dir:" + layoutOf(t, all...)
			inv, err := scan.Run(t.Context(), open(t, target), scan.Options{Watch: watch})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found := slices.ContainsFunc(inv.Components, func(c sbom.Component) bool {
				return c.Name == "acme" && c.PURL != "" || slices.ContainsFunc(c.Evidence, func(e sbom.Evidence) bool {
					return e.Kind == sbom.Path && e.Value == "/opt/acme/bin/agent"
				})
			})
			if found != (product == "acme") || name != "a program, which has its component" && !inv.Coverage.Complete() {
				t.Errorf("%s, %s: found is %v, gaps %+v", name, product, found, inv.Coverage.Gaps)
			}
			for range 2 {
				if again, _ := cached(t, target, cache); !cmp.Equal(inv, again) {
					t.Errorf("%s, %s: with a cache it differs:\n%s", name, product, cmp.Diff(inv, again))
				}
			}
		}
	}
}
