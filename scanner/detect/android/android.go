// Package android reads Android's formats: applications (APK), libraries (AAR)
// and their compiled classes (DEX). What is inside an APK or AAR is passed on
// by scanner/detect/archive.
package android

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/jarsign"
	"github.com/interdict/interdict/scanner/detect/internal/zipdir"
)

const (
	name    = "android"
	version = 1
)

// Detector reads APK, AAR and DEX files.
type Detector struct{ watch *sbom.Watch }

// New makes a Detector that notes the namespaces which w watches, and the main
// ones; w may be nil.
func New(w *sbom.Watch) *Detector { return &Detector{watch: w} }

// Name is "android".
func (*Detector) Name() string { return name }

// Version is raised whenever the results for the same bytes may differ.
func (*Detector) Version() int { return version }

var extensions = map[string]bool{
	".apk": true, ".aar": true, ".apkm": true, ".apks": true, ".xapk": true, ".aab": true,
}

// Wants knows DEX by its magic, and the zips by name or by a manifest or DEX
// among their first members.
func (*Detector) Wants(f *scanner.File) bool {
	if isDEX(f.Head) {
		return true
	}
	return bytes.HasPrefix(f.Head, []byte("PK\x03\x04")) &&
		(extensions[strings.ToLower(path.Ext(f.Path))] || bytes.Contains(f.Head, []byte("AndroidManifest.xml")) ||
			bytes.Contains(f.Head, []byte("classes.dex")) || bytes.Contains(f.Head, []byte("com/android/build/gradle/app-metadata.properties")))
}

// Detect reads the manifest and signatures, or the classes of a DEX.
func (d *Detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	if isDEX(f.Head) {
		return d.dex(ctx, f)
	}
	z, err := zipdir.Open(f)
	if err != nil {
		return scanner.Result{}, ctx.Err() // scanner/detect/archive tells
	}
	var file *zip.File
	for _, m := range z.File {
		if m.Name == "AndroidManifest.xml" || m.Name == "base/manifest/AndroidManifest.xml" {
			file = m
			break
		}
	}
	if file == nil {
		return scanner.Result{}, nil
	}
	var res scanner.Result
	base := path.Base(f.Path)
	c := &sbom.Component{Type: sbom.Application, Name: strings.TrimSuffix(base, path.Ext(base)), Language: "java"}
	m, err := readManifest(file)
	if err != nil {
		res.Gaps = append(res.Gaps, sbom.Gap{Path: f.Path + "!/" + file.Name, Reason: sbom.Malformed, Detail: err.Error()})
	}
	if m.library {
		c.Type = sbom.Library
	}
	if m.pkg != "" {
		c.Name, c.Version = m.pkg, m.version
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.AndroidPackage, Value: m.pkg, Where: file.Name})
	}
	c.Evidence = append(c.Evidence, jarsign.Evidence(z)...)
	c.Evidence = append(c.Evidence, schemeSigners(f)...)
	res.Component = c
	return res, nil
}

// manifest is what is read of an AndroidManifest.xml.
type manifest struct {
	pkg, version string
	library      bool // it is text, as in an AAR
}

func readManifest(f *zip.File) (manifest, error) {
	b, err := jarsign.Read(f)
	if err != nil {
		return manifest{}, fmt.Errorf("reading the manifest: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimLeft(b, "\xef\xbb\xbf \t\r\n"), []byte("<")) {
		m, err := textManifest(b)
		m.library = true
		return m, err
	}
	return binaryManifest(b)
}

// textManifest reads the manifest's element of a manifest in XML.
func textManifest(b []byte) (manifest, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	for {
		t, err := d.Token()
		if err != nil {
			if err == io.EOF {
				err = errors.New("no manifest element")
			}
			return manifest{}, fmt.Errorf("reading the manifest: %w", err)
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		var m manifest
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "package":
				m.pkg = a.Value
			case "versionName":
				m.version = a.Value
			}
		}
		return m, nil
	}
}
