// Package jarsign reads the signatures of JAR files, which the first scheme of
// APK files has as well (JAR File Specification, "Signed JAR File").
package jarsign

import (
	"archive/zip"
	"bytes"
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

const (
	maxFile       = 16 << 20 // bytes of a manifest, .SF or signature
	maxSignatures = 16
)

// Evidence returns the signers of a JAR: [sbom.JarSigner] where the signature
// verifies up to an authority inside, and covers the manifest of the JAR, and
// [sbom.JarSignerClaimed] else. That the manifest covers every file is not
// checked: a JAR may add files that nobody signed.
func Evidence(z *zip.Reader) []sbom.Evidence {
	files := map[string]*zip.File{}
	var blocks []*zip.File
	for _, f := range z.File {
		name := strings.ToUpper(f.Name)
		dir, base := path.Split(name)
		if dir != "META-INF/" {
			continue
		}
		if _, ok := files[name]; !ok {
			files[name] = f
		}
		switch path.Ext(base) {
		case ".RSA", ".DSA", ".EC":
			if len(blocks) < maxSignatures {
				blocks = append(blocks, f)
			}
		}
	}
	var es []sbom.Evidence
	for _, b := range blocks {
		es = append(es, signers(b, files)...)
	}
	return es
}

// signers reads one signature block file.
func signers(block *zip.File, files map[string]*zip.File) []sbom.Evidence {
	der, err := Read(block)
	if err != nil {
		return nil
	}
	sd, err := pkcs7.Parse(der)
	if err != nil {
		return nil
	}
	name := strings.ToUpper(block.Name)
	sf, sfErr := read(files, strings.TrimSuffix(name, path.Ext(name))+".SF")
	manifest, _ := read(files, "META-INF/MANIFEST.MF")
	var es []sbom.Evidence
	for _, s := range sd.Signers {
		check := sd.Check(s, pkcs7.Bytes(sf))
		if check.Leaf == nil {
			continue
		}
		kind, where := sbom.JarSigner, check.Where()
		switch {
		case sfErr != nil:
			kind, where = sbom.JarSignerClaimed, sfErr.Error()
		case !check.Verified():
			kind = sbom.JarSignerClaimed
		case !covers(sf, manifest):
			kind, where = sbom.JarSignerClaimed, "it does not cover the manifest"
		}
		who := check.Leaf.Subject.O
		if who == "" {
			who = check.Leaf.Subject.CN
		}
		es = append(es, sbom.Evidence{Kind: kind, Value: who, Where: block.Name + ": " + where})
	}
	return es
}

func read(files map[string]*zip.File, name string) ([]byte, error) {
	f := files[name]
	if f == nil {
		return nil, fmt.Errorf("%s is not there", name)
	}
	return Read(f)
}

// Read reads a file of a zip, of at most 16 MiB.
func Read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", f.Name, maxFile)
	}
	return b, err
}

var hashes = map[string]crypto.Hash{
	"SHA1": crypto.SHA1, "SHA": crypto.SHA1, "SHA-1": crypto.SHA1, "MD5": crypto.MD5,
	"SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
}

// covers reports whether a signature file has the digest of the manifest, or
// of the manifest's main attributes.
func covers(sf, manifest []byte) bool {
	main, _ := section(manifest)
	first, _ := section(sf)
	for key, value := range Attributes(first) {
		algorithm, what, _ := strings.Cut(key, "-DIGEST-MANIFEST")
		h, ok := hashes[algorithm]
		if !ok || !h.Available() {
			continue
		}
		content := manifest
		switch what {
		case "":
		case "-MAIN-ATTRIBUTES":
			content = main
		default:
			continue
		}
		want, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			continue
		}
		d := h.New()
		d.Write(content)
		if subtle.ConstantTimeCompare(d.Sum(nil), want) == 1 {
			return true
		}
	}
	return false
}

// section cuts off the first section of a manifest, with the empty line that
// ends it.
func section(b []byte) (first, rest []byte) {
	for _, end := range []string{"\r\n\r\n", "\n\n", "\r\r"} {
		if i := bytes.Index(b, []byte(end)); i >= 0 {
			return b[:i+len(end)], b[i+len(end):]
		}
	}
	return b, nil
}

// Attributes reads the main section of a manifest. Names are in upper case;
// continued lines are joined (JAR File Specification, "Name-Value pairs and
// Sections").
func Attributes(manifest []byte) map[string]string {
	first, _ := section(manifest)
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(first))
	text = strings.ReplaceAll(text, "\n ", "")
	attributes := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimRight(line, "\n"), ":"); ok {
			attributes[strings.ToUpper(strings.TrimSpace(k))] = strings.TrimSpace(v)
		}
	}
	return attributes
}
