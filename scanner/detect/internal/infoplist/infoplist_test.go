package infoplist

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"howett.net/plist"
)

const guardXML = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
  <!-- a comment -->
  <key>CFBundleName</key><string>Acme &amp; Co</string>
  <key>UTExportedTypeDeclarations</key><array><dict><key>CFBundleIdentifier</key><string>com.other</string></dict></array>
  <key>CFBundleIdentifier</key> <string>com.acme.guard</string>
  <key>LSUIElement</key><true/>
  <key>CFBundleVersion</key><string>77</string>
  <key>NSHumanReadableCopyright</key><string>© 2026 Acme</string>
</dict></plist>`

var guard = Info{Identifier: "com.acme.guard", Name: "Acme & Co", Version: "77", Copyright: "© 2026 Acme"}

func TestXML(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, r := range strings.Replace(guardXML, "UTF-8", "UTF-16", 1) {
		utf16 = append(utf16, byte(r), byte(r>>8))
	}
	for name, b := range map[string][]byte{"UTF-8": []byte(guardXML), "mark": []byte("\xef\xbb\xbf" + guardXML), "UTF-16": utf16} {
		got, err := Parse(b)
		if d := cmp.Diff(guard, got); d != "" || err != nil || !IsPlist(b) {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	for _, s := range []string{"", "<html><body/></html>", "<plist/>", "</plist>", "bplist00", "bplist00" + strings.Repeat("\xff", 64)} {
		if got, err := Parse([]byte(s)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %+v %v", s, got, err)
		}
	}
}

// What a property list library writes is read as it was, in each of its forms.
func TestForms(t *testing.T) {
	in := map[string]any{
		"CFBundleIdentifier": "com.acme.guard", "CFBundleDisplayName": "Schütz 卫士", "CFBundleName": "Guard",
		"CFBundleShortVersionString": "1.2", "CFBundlePackageType": "APPL", "Number": 7, "Nested": []any{map[string]any{"CFBundleName": "x"}},
		"NSHumanReadableCopyright": strings.Repeat("long ", 100),
	}
	want := Info{Identifier: "com.acme.guard", Name: "Schütz 卫士", Version: "1.2", PackageType: "APPL",
		Copyright: strings.TrimSpace(strings.Repeat("long ", 100))}
	for name, format := range map[string]int{"XML": plist.XMLFormat, "binary": plist.BinaryFormat} {
		b, err := plist.Marshal(in, format)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b)
		got.Copyright = strings.TrimSpace(got.Copyright)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

// Depth and width cost no more than size.
func TestDeep(t *testing.T) {
	deep := "<plist><dict><key>a</key>" + strings.Repeat("<array>", 200_000)
	if _, err := Parse([]byte(deep)); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(guardXML))
	b, err := plist.Marshal(map[string]any{"CFBundleName": "Schütz", "CFBundleIdentifier": "a.b", "x": []int{1}}, plist.BinaryFormat)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if info, err := Parse(b); err != nil && info != (Info{}) {
			t.Fatalf("%v beside %+v", err, info)
		}
	})
}
