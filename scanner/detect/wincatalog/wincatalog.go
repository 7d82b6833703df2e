// Package wincatalog reads security catalogs (.cat): one signature over a list of
// files, by which Windows signs drivers and system files that carry none of
// their own. The detector tells who signed the catalog and which digests it
// lists; [Join] then tells who signed the files, once all files are known.
//
// Format: a PKCS #7 message whose content is a certificate trust list
// (szOID_CTL, wincrypt.h CTL_INFO).
package wincatalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/authenticode"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

const (
	name    = "cat"
	version = 1
)

// Names of the properties by which files and catalogs find each other. Values
// are lower-case hexadecimal. A catalog has one property for each file that it
// lists, and Count says how many.
const (
	PropertySHA1   = "interdict:catalog:sha1"
	PropertySHA256 = "interdict:catalog:sha256"
	PropertyCount  = "interdict:catalog:members"

	// Those of a PE without a signature; see scanner/detect/pe.
	fileSHA1   = "interdict:authenticode:sha1"
	fileSHA256 = "interdict:authenticode:sha256"
)

// maxListed is how many members of one catalog become properties.
const maxListed = 64 << 10

type detector struct{}

// New returns the detector. It notes all that it finds, whatever is watched.
func New(*sbom.Watch) scanner.Detector { return detector{} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

var (
	signedData = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02} // 1.2.840.113549.1.7.2
	trustList  = []byte{0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x01} // 1.3.6.1.4.1.311.10.1
)

// Wants is true for a PKCS #7 message whose content is a trust list, by its
// first bytes: the identifiers come before everything that has a length of its own.
func (detector) Wants(f *scanner.File) bool {
	if len(f.Head) < 32 || f.Head[0] != 0x30 {
		return false
	}
	head := f.Head[:min(len(f.Head), 512)]
	i := bytes.Index(head[:32], signedData)
	return i >= 0 && bytes.Contains(head[i:], trustList)
}

func (detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	if f.Size > pkcs7.MaxSize {
		return gap(sbom.Limit, fmt.Sprintf("a catalog of %d bytes", f.Size)), nil
	}
	msg := make([]byte, f.Size)
	n, err := f.ReadAt(msg, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return scanner.Result{}, fmt.Errorf("reading a catalog: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return scanner.Result{}, err
	}
	sd, err := pkcs7.Parse(msg[:n])
	if err != nil {
		return gap(sbom.Malformed, err.Error()), nil
	}
	digests, more, err := authenticode.Members(sd)
	if errors.Is(err, authenticode.ErrNotCatalog) && len(digests) == 0 {
		return gap(sbom.Malformed, err.Error()), nil
	}
	c := &sbom.Component{Type: sbom.FileType, Name: path.Base(f.Path)}
	var gaps []sbom.Gap
	c.Evidence, gaps = authenticode.Evidence(msg[:n], "catalog signature", nil)
	if more || len(digests) > maxListed {
		gaps = append(gaps, sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("a catalog of more than %d files", maxListed)})
	}
	c.Properties = append(c.Properties, sbom.Property{Name: PropertyCount, Value: strconv.Itoa(len(digests))})
	for _, d := range digests[:min(len(digests), maxListed)] {
		p := sbom.Property{Name: PropertySHA256, Value: d}
		if len(d) == 40 {
			p.Name = PropertySHA1
		}
		c.Properties = append(c.Properties, p)
	}
	return scanner.Result{Component: c, Gaps: gaps}, nil
}

func gap(r sbom.Reason, detail string) scanner.Result {
	return scanner.Result{Gaps: []sbom.Gap{{Reason: r, Detail: detail}}}
}
