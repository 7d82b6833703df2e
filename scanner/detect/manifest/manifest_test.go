package manifest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

func detect(t testing.TB, name, text string) scanner.Result {
	t.Helper()
	f := &scanner.File{Path: name, Depth: 1, Size: int64(len(text)), Head: []byte(text[:min(len(text), scanner.HeadSize)]), ReaderAt: bytes.NewReader([]byte(text))}
	if !New().Wants(f) {
		t.Fatalf("%s is not wanted", name)
	}
	res, err := New().Detect(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestDetect(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"/a.tgz!/package/package.json": {
			`{"name":"@acme/ui","version":"1.2.3","author":{"name":"Acme Ltd","email":"x@acme.example"},"homepage":"https://UI.acme.example/#x","repository":"github:acme/ui","license":"MIT","contributors":["Jo Doe <jo@x.example>"]}`,
			"library ui 1.2.3 pkg:npm/%40acme/ui@1.2.3; entity_name=Acme Ltd; entity_name=Jo Doe; homepage_host=ui.acme.example; npm_package=@acme/ui; repo_host=github.com"},
		"/a.tgz!/b/package.json": {
			`{"name":"ui","repository":{"type":"git","url":"git+ssh://git@git.acme.example:22/x.git"},"author":"Acme <x@y>"}`,
			"library ui  pkg:npm/ui; entity_name=Acme; npm_package=ui; repo_host=git.acme.example"},
		"/a.tgz!/c/package.json": {`{"name":"ui","repository":"git@git.acme.example:x/y.git"}`, "library ui  pkg:npm/ui; npm_package=ui; repo_host=git.acme.example"},
		"/a.tgz!/d/package.json": {`{"type":"module"}`, ""},
		"/a.tgz!/e/package.json": {`{"name":`, ""},
		"/a.whl!/Acme_Kit-1.0.dist-info/METADATA": {
			"Metadata-Version: 2.1\nName: Acme_Kit\nVersion: 1.0\nAuthor-email: Acme Ltd <dev@acme.example>, b@acme.example\nMaintainer: Jo\nProject-URL: Homepage, https://kit.acme.example/\nProject-URL: Source, https://git.acme.example/kit\n\nText\n",
			"library Acme_Kit 1.0 pkg:pypi/acme-kit@1.0; entity_name=Acme Ltd; entity_name=Jo; homepage_host=kit.acme.example; python_package=Acme_Kit; repo_host=git.acme.example"},
		"/a.nupkg!/Acme.Core.nuspec": {
			`<?xml version="1.0"?><package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata><id>Acme.Core</id><version>2.0</version><authors>Acme Ltd, Jo</authors><projectUrl>https://acme.example</projectUrl><repository type="git" url="https://git.acme.example/x"/></metadata></package>`,
			"library Acme.Core 2.0 pkg:nuget/Acme.Core@2.0; entity_name=Acme Ltd; entity_name=Jo; homepage_host=acme.example; repo_host=git.acme.example"},
		"/a.msix!/AppxManifest.xml": {
			`<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"><Identity Name="Acme.Guard" Publisher="CN=x, O=&quot;Acme, Ltd&quot;, C=DE" Version="1.0.0.0"/><Properties><PublisherDisplayName>Acme</PublisherDisplayName></Properties></Package>`,
			"application Acme.Guard 1.0.0.0 ; entity_name=Acme; entity_name=Acme, Ltd"},
		"/a.vsix!/extension.vsixmanifest": {
			`<PackageManifest><Metadata><Identity Id="guard" Version="1.0" Publisher="acme"/></Metadata></PackageManifest>`,
			"application guard 1.0 ; entity_name=acme"},
		"/a.pkg!/x.pkg/PackageInfo": {`<pkg-info identifier="com.acme.guard.pkg" version="3"/>`, "application com.acme.guard.pkg 3 ; macos_bundle_id=com.acme.guard.pkg"},
	} {
		t.Run(name, func(t *testing.T) {
			res := detect(t, name, tt.text)
			got := ""
			if c := res.Component; c != nil {
				parts := []string{}
				for _, e := range c.Evidence {
					if e.Kind != sbom.PURL {
						parts = append(parts, fmt.Sprintf("%s=%s", e.Kind, e.Value))
					}
				}
				slices.Sort(parts)
				got = strings.Join(append([]string{fmt.Sprintf("%s %s %s %s", c.Type, c.Name, c.Version, c.PURL)}, parts...), "; ")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(res.Gaps) > 0 {
				t.Errorf("gaps %v (-want +got):\n%s", res.Gaps, diff)
			}
		})
	}
}

// A manifest in the filesystem itself is the catalogers'.
func TestOnlyNested(t *testing.T) {
	if New().Wants(&scanner.File{Path: "/usr/lib/node_modules/x/package.json"}) {
		t.Error("it is wanted")
	}
}

func FuzzDetect(f *testing.F) {
	names := []string{"/a/package.json", "/x.dist-info/METADATA", "/a.nuspec", "/AppxManifest.xml", "/extension.vsixmanifest", "/PackageInfo"}
	f.Add(0, `{"name":"a","author":{"name":"b"},"repository":{"url":"c"}}`)
	f.Add(1, "Metadata-Version: 2.1\nName: a\nAuthor-email: a <b@c>\n")
	f.Add(3, `<Package><Identity Publisher="CN=a, O=&quot;b"/></Package>`)
	f.Fuzz(func(t *testing.T, i int, text string) {
		detect(t, names[uint(i)%uint(len(names))], text)
	})
}
