package audit_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// putManifest puts a manifest below a tag, as it is.
func (f *fleet) putManifest(t *testing.T, repository, tag string, raw []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+f.host+"/v2/"+repository+"/manifests/"+tag, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", string(types.OCIManifestSchema1))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatal(resp.Status)
	}
}

// TestMediaTypesAreClaims: an image is listed and looked at whatever its layers
// and its configuration are called; runtimes pull it all the same.
func TestMediaTypesAreClaims(t *testing.T) {
	f := newFleet(t)
	img := f.push(t, "odd/app:plain", "-- 0/opt/acme/bin/agent --\n#!/bin/sh\n")
	twin := f.push(t, "odd/app:twin-plain", "-- 0/opt/ecma/bin/agent --\n#!/bin/sh\n")
	odd := map[string]*strings.Replacer{}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layer, config := string(m.Layers[0].MediaType), string(m.Config.MediaType)
	odd["text"] = strings.NewReplacer(layer, "text/plain")
	odd["json"] = strings.NewReplacer(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip+json")
	odd["own"] = strings.NewReplacer(layer, "application/vnd.acme.layer", config, "application/vnd.acme.config+json")
	odd["signature"] = strings.NewReplacer(layer, "application/vnd.in-toto+json")
	for name, r := range odd {
		for prefix, i := range map[string]interface{ RawManifest() ([]byte, error) }{"": img, "twin-": twin} {
			raw, err := i.RawManifest()
			if err != nil {
				t.Fatal(err)
			}
			f.putManifest(t, "odd/app", prefix+name, []byte(r.Replace(string(raw))))
		}
	}
	a := open(t, sqlite(t), t.TempDir())
	audited(t, a, f, law(t, acme, "2024-12-01"))
	seen := images(t, a)
	for name := range odd {
		if got := seen[name]; got.Verdict != "deny" {
			t.Errorf("%s: %q, %s %s", name, got.Verdict, got.State, got.Error)
		}
		if got := seen["twin-"+name]; got.Verdict != "pass" {
			t.Errorf("its twin %s: %q, %s %s", name, got.Verdict, got.State, got.Error)
		}
	}
}
