package cyclonedx_test

import (
	"bytes"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// stored is an inventory as an image of packages gives it: n components, the
// facts of a package manager for most, of a binary for every tenth.
func stored(n int) *sbom.Inventory {
	inv := &sbom.Inventory{
		Subject: sbom.Subject{Kind: sbom.Image, Name: "registry.example.com/app:1", Digest: fmt.Sprintf("sha256:%064x", 1)},
		Tool:    sbom.Tool{Name: "interdict", Version: "1.0.0"},
	}
	for i := range 2000 {
		inv.Tool.Watched = append(inv.Tool.Watched, sbom.Fingerprint(fmt.Sprint(i)))
	}
	for i := range 5 {
		inv.Layers = append(inv.Layers, sbom.Layer{DiffID: fmt.Sprintf("sha256:%064x", 100+i), Digest: fmt.Sprintf("sha256:%064x", 200+i), CreatedBy: "RUN apt-get install"})
	}
	for i := range n {
		layer := inv.Layers[i%5].DiffID
		name := fmt.Sprintf("libexample%d", i)
		c := sbom.Component{
			Type: sbom.Library, Name: name, Version: "1.2.3-4+deb13u1",
			PURL:     fmt.Sprintf("pkg:deb/debian/%s@1.2.3-4%%2Bdeb13u1?arch=amd64&distro=debian-13", name),
			CPEs:     []string{fmt.Sprintf("cpe:2.3:a:%s:%s:1.2.3:*:*:*:*:*:*:*", name, name)},
			Licenses: []sbom.License{{ID: "GPL-2.0-only", Declared: true}}, Supplier: "Debian Developers <d@example.com>",
			FoundBy: "dpkg-db-cataloger", Occurrences: []sbom.Occurrence{{Path: "/var/lib/dpkg/status", Layer: layer}},
			References: []sbom.Reference{{Type: "website", URL: "https://example.com/" + name}},
		}
		if i%10 == 0 {
			c.Type, c.PURL, c.CPEs, c.Licenses = sbom.Application, "", nil, nil
			path := "/usr/lib/" + name + ".so"
			c.Occurrences[0].Path = path
			for j := range 6 {
				c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.ELFNeeded, Value: fmt.Sprintf("lib%d.so.6", j), Path: path, Layer: layer, Where: "dynamic section", Detector: "elf@1"})
			}
		}
		if i > 2 {
			c.DependsOn = []string{fmt.Sprintf("pkg:deb/debian/libexample%d@1.2.3-4%%2Bdeb13u1?arch=amd64&distro=debian-13", i-1)}
		}
		inv.Components = append(inv.Components, c)
	}
	inv.Normalize()
	return inv
}

// BenchmarkDecode is the cost of one stored document before it is judged.
func BenchmarkDecode(b *testing.B) {
	inv := stored(500)
	for _, format := range []cyclonedx.Format{cyclonedx.JSON, cyclonedx.XML} {
		doc := encode(b, inv, cyclonedx.Options{Format: format})
		b.Run(string(format), func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				if _, err := cyclonedx.Decode(bytes.NewReader(doc)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu()-start)/1e6/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu is the time on the processor so far: on a machine that is shared, it is
// what can be compared.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEncode shows that cost grows with the components, not faster.
func BenchmarkEncode(b *testing.B) {
	for _, n := range []int{500, 5000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			inv := stored(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := cyclonedx.Encode(io.Discard, inv, cyclonedx.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
