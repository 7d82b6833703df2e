package plist

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

const kext = `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleIdentifier</key><string>com.acme.kext.guard</string>
<key>CFBundleName</key><string>guard</string>
<key>CFBundlePackageType</key><string>KEXT</string>
<key>CFBundleShortVersionString</key><string>9.0.1</string>
<key>NSHumanReadableCopyright</key><string>Copyright © Acme Ltd</string>
</dict></plist>`

func TestDetect(t *testing.T) {
	c, gaps := detecttest.Detect(t, New(nil), detecttest.File("/Library/Extensions/guard.kext/Contents/Info.plist", []byte(kext)))
	want := sbom.Component{
		Type: sbom.DeviceDriver, Name: "guard", Version: "9.0.1", Copyright: "Copyright © Acme Ltd",
		Evidence: []sbom.Evidence{
			{Kind: sbom.BundleID, Value: "com.acme.kext.guard", Where: "Info.plist CFBundleIdentifier"},
			{Kind: sbom.BundleName, Value: "guard", Where: "Info.plist CFBundleName"},
			{Kind: sbom.BundleCopyright, Value: "Copyright © Acme Ltd", Where: "Info.plist NSHumanReadableCopyright"},
		},
	}
	if d := cmp.Diff(want, c); d != "" || len(gaps) > 0 {
		t.Errorf("%v %s", gaps, d)
	}
	if _, gaps := detecttest.Detect(t, New(nil), detecttest.File("/x.app/Info.plist", []byte("<?xml?><plist"))); len(gaps) != 1 || gaps[0].Reason != sbom.Malformed {
		t.Errorf("malformed: %v", gaps)
	}
	for path, contents := range map[string]string{"/x/other.plist": kext, "/x/Info.plist": "text"} {
		if New(nil).Wants(detecttest.File(path, []byte(contents))) {
			t.Errorf("%s is wanted", path)
		}
	}
}

func TestBundleRoot(t *testing.T) {
	for path, want := range map[string]string{
		"/Applications/Guard.app/Contents/MacOS/Guard":                    "/Applications/Guard.app",
		"/Applications/Guard.app/Contents/Info.plist":                     "/Applications/Guard.app",
		"/a/Guard.app/Contents/Frameworks/Core.framework/Versions/A/Core": "/a/Guard.app/Contents/Frameworks/Core.framework",
		"/a/Guard.app/Contents/Frameworks/Core.framework":                 "/a/Guard.app",
		"/x/guard.ipa!/Payload/Guard.app/Info.plist":                      "/x/guard.ipa!/Payload/Guard.app",
		"/x/Guard.app/Contents/Resources/data.zip!/lib/a.dylib":           "",
		"/x/a.zip!/Core.framework/Core":                                   "/x/a.zip!/Core.framework",
		"/Library/SystemExtensions/com.acme.SystemExtension/Contents/x":   "/Library/SystemExtensions/com.acme.SystemExtension",
		"/usr/lib/erlang/kernel/ebin/kernel.app":                          "",
		"/usr/lib/x/.app/file":                                            "",
		"/usr/bin/env":                                                    "",
		"env":                                                             "",
		"":                                                                "",
	} {
		if got, ok := BundleRoot(path); got != want || ok != (want != "") {
			t.Errorf("BundleRoot(%q) = %q, %v, want %q", path, got, ok, want)
		}
	}
}

// A root is a folder above its file, and above no file of another archive.
func FuzzBundleRoot(f *testing.F) {
	f.Add("/x/a.zip!/Core.framework/Core")
	f.Fuzz(func(t *testing.T, p string) {
		root, ok := BundleRoot(p)
		if ok != (root != "") || len(root) > len(p)+1 {
			t.Fatalf("BundleRoot(%q) = %q, %v", p, root, ok)
		}
	})
}
