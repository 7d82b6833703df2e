package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/testdata/need"
)

const cosignVersion = "v3.1.3"

// cosign is the real one, built once into the user's cache folder: that takes
// some minutes.
var cosign = sync.OnceValues(func() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "interdict-test", "cosign-"+cosignVersion)
	bin := filepath.Join(dir, "cosign")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	cmd := exec.Command("go", "install", "github.com/sigstore/cosign/v3/cmd/cosign@"+cosignVersion)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	cmd.Stderr = os.Stderr
	return bin, cmd.Run()
})

// cosign ARG...
func cmdCosign(ts *testscript.TestScript, neg bool, args []string) {
	if need.Current() == need.Plain {
		missing(ts, "cosign, built from the module proxy")
	}
	bin, err := cosign()
	if err != nil {
		ts.Fatalf("installing cosign %s from the module proxy: %v", cosignVersion, err)
	}
	if err := ts.Exec(bin, args...); (err != nil) != neg {
		ts.Fatalf("cosign: %v", err)
	}
}

// tamper FILE OLD NEW: replaces what must be there.
func cmdTamper(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(data, []byte(args[1])) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.Replace(data, []byte(args[1]), []byte(args[2]), 1), 0o644))
}

// corrupt REGISTRY TEXT: changes one byte of every stored blob of a registry
// that "registry" started in which the text occurs.
func cmdCorrupt(ts *testscript.TestScript, _ bool, args []string) {
	blobs, err := filepath.Glob(ts.MkAbs(".registry-" + args[0] + "/data/docker/registry/v2/blobs/sha256/*/*/data"))
	ts.Check(err)
	hit := false
	for _, b := range blobs {
		data, err := os.ReadFile(b)
		ts.Check(err)
		if i := bytes.Index(data, []byte(args[1])); i >= 0 {
			hit = true
			data[i] ^= 1
			ts.Check(os.WriteFile(b, data, 0o644))
		}
	}
	if !hit {
		ts.Fatalf("no blob has %q", args[1])
	}
}

// digest REFERENCE NAME: sets $NAME to the digest that a reference stands for.
func cmdDigest(ts *testscript.TestScript, _ bool, args []string) {
	d, err := crane.Digest(args[0], crane.Insecure)
	ts.Check(err)
	ts.Setenv(args[1], d)
}

// platformdigest REFERENCE NAME: sets $NAME to the digest of the first manifest
// of an index.
func cmdPlatformDigest(ts *testscript.TestScript, _ bool, args []string) {
	raw, err := crane.Manifest(args[0], crane.Insecure)
	ts.Check(err)
	var idx struct{ Manifests []struct{ Digest string } }
	ts.Check(json.Unmarshal(raw, &idx))
	ts.Setenv(args[1], idx.Manifests[0].Digest)
}

// verdictschema BUNDLE: its statement is a verdict as the schema has it.
func cmdVerdictSchema(ts *testscript.TestScript, _ bool, args []string) {
	st, err := attest.Unverified([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	if st.PredicateType != attest.VerdictType || len(st.Predicate) > 8<<10 {
		ts.Fatalf("%s has %d bytes of %s", args[0], len(st.Predicate), st.PredicateType)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(attest.VerdictSchema))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	ts.Check(c.AddResource("verdict", schema))
	compiled, err := c.Compile("verdict")
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(st.Predicate))
	ts.Check(err)
	if err := compiled.Validate(doc); err != nil {
		ts.Fatalf("%v\n%s", err, st.Predicate)
	}
}

// corruptlayer LAYOUT: changes the last byte of its largest blob.
func cmdCorruptLayer(ts *testscript.TestScript, _ bool, args []string) {
	blobs, err := filepath.Glob(ts.MkAbs(args[0] + "/blobs/sha256/*"))
	ts.Check(err)
	for _, b := range blobs {
		data, err := os.ReadFile(b)
		ts.Check(err)
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) { // gzip
			data[len(data)-1] ^= 1
			ts.Check(os.WriteFile(b, data, 0o644))
			return
		}
	}
	ts.Fatalf("%s has no layer", args[0])
}

// nowhere TEXT: no file that the script can see holds the text.
func cmdNowhere(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte(args[0])) {
			err = fmt.Errorf("%s holds %q", path, args[0])
		}
		return err
	}))
}
