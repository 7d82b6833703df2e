package store

import (
	"strings"
	"testing"

	"github.com/interdict/interdict/denylist"
)

// A finding in the image itself is named after the place that is asked for.
func TestImageItself(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	f := Finding{Component: denylist.ComponentRef{Type: "container", Name: "registry.example/shop/app@" + digest,
		PURL: "pkg:oci/app@" + digest + "?arch=amd64&repository_url=registry.example/shop/app"}}
	f.at("registry.example/team/other", digest)
	want := denylist.ComponentRef{Type: "container", Name: "registry.example/team/other@" + digest,
		PURL: "pkg:oci/other@" + digest + "?arch=amd64&repository_url=registry.example/team/other"}
	if f.Component != want {
		t.Errorf("%+v", f.Component)
	}
	inside := denylist.ComponentRef{Type: "library", Name: "app@" + digest}
	f = Finding{Component: inside}
	f.at("registry.example/team/other", digest)
	if f.Component != inside {
		t.Errorf("%+v", f.Component)
	}
}
