package cyclonedx_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// Equal inventories give equal bytes: without a time, the serial number follows
// from the subject and the contents.
func ExampleEncode() {
	inv := &sbom.Inventory{
		Subject:    sbom.Subject{Kind: sbom.Binary, Name: "firmware.bin"},
		Components: []sbom.Component{{Type: sbom.Library, Name: "zlib", Version: "1.3.1", PURL: "pkg:generic/zlib@1.3.1"}},
	}
	inv.Normalize()
	var a, b bytes.Buffer
	for _, out := range []*bytes.Buffer{&a, &b} {
		if err := cyclonedx.Encode(out, inv, cyclonedx.Options{SpecVersion: "1.6"}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("equal:", bytes.Equal(a.Bytes(), b.Bytes()))
	again, err := cyclonedx.Decode(&a)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Components[0].PURL)
	// Output:
	// equal: true
	// pkg:generic/zlib@1.3.1
}
