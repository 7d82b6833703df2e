package android

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// sources makes classes.dex, an unsigned app.apk with a binary manifest, and an
// AAR with a text one.
const sources = `
for class in com/acme/guard/core/Main com/acme/guard/core/Other com/acme/guard/Api org/other/Util; do
  mkdir -p smali/$(dirname $class)
  printf '.class public L%s;\n.super Ljava/lang/Object;\n' $class > smali/$class.smali
done
smali assemble -o classes.dex smali
cat > AndroidManifest.xml <<'E'
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.acme.guard" android:versionCode="77" android:versionName="7.7-ünï">
  <uses-sdk android:minSdkVersion="24" android:targetSdkVersion="28"/>
  <application android:label="Acme"/>
</manifest>
E
aapt package -M AndroidManifest.xml -I /usr/share/android-framework-res/framework-res.apk -F app.apk 2>/dev/null
zip -q app.apk classes.dex
zip -q lib.aar AndroidManifest.xml
keytool -genkeypair -keystore s.p12 -storetype pkcs12 -storepass secret -alias a -keyalg RSA -dname 'O=Acme Ltd, CN=x' 2>/dev/null
for v in 2 3; do
  apksigner sign --ks s.p12 --ks-pass pass:secret --v1-signing-enabled false --v2-signing-enabled $([ $v = 2 ] && echo true || echo false) --v3-signing-enabled $([ $v = 3 ] && echo true || echo false) --out v$v.apk app.apk
done
`

func detect(t testing.TB, name string, b []byte) scanner.Result {
	t.Helper()
	w := &sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.JavaPackage && v == "com/acme/guard/" }}
	f := detecttest.File(name, b)
	d := New(w)
	if !d.Wants(f) {
		return scanner.Result{}
	}
	res, err := d.Detect(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestDetect(t *testing.T) {
	dir := t.TempDir()
	detecttest.Script(t, dir, sources)
	for file, want := range map[string][]string{
		"app.apk":     {"application com.acme.guard 7.7-ünï", "android_package=com.acme.guard"},
		"v2.apk":      {"application com.acme.guard 7.7-ünï", "android_package=com.acme.guard", "jar_signer_claimed=Acme Ltd APK signature scheme v2"},
		"v3.apk":      {"application com.acme.guard 7.7-ünï", "android_package=com.acme.guard", "jar_signer_claimed=Acme Ltd APK signature scheme v3"},
		"lib.aar":     {"library com.acme.guard 7.7-ünï", "android_package=com.acme.guard"},
		"classes.dex": {"library classes.dex ", "java_package=com/acme/ x3", "java_package=com/acme/guard/ x3", "java_package=org/other/ x1"},
	} {
		t.Run(file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			res := detect(t, "/srv/"+file, b)
			if res.Component == nil || len(res.Gaps) > 0 {
				t.Fatalf("%+v", res)
			}
			c := res.Component
			got := []string{fmt.Sprintf("%s %s %s", c.Type, c.Name, c.Version)}
			for _, e := range c.Evidence {
				s := fmt.Sprintf("%s=%s", e.Kind, e.Value)
				switch {
				case e.Count > 0:
					s += fmt.Sprintf(" x%d", e.Count)
				case e.Kind == sbom.JarSignerClaimed:
					s += " " + e.Where
				}
				got = append(got, s)
			}
			slices.Sort(got[1:])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzManifest: reading ends without panic, and yields no string longer than
// the document can hold.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	detecttest.Script(f, dir, sources+"unzip -qp app.apk AndroidManifest.xml > m.axml")
	for _, name := range []string{"m.axml", "AndroidManifest.xml"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := binaryManifest(b)
		if err == nil && len(m.pkg) > 3*len(b) {
			t.Errorf("a name of %d bytes in %d", len(m.pkg), len(b))
		}
		textManifest(b)
	})
}

// FuzzFile reads DEX files and signing blocks.
func FuzzFile(f *testing.F) {
	dir := f.TempDir()
	detecttest.Script(f, dir, sources)
	for _, name := range []string{"classes.dex", "v2.apk"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		detect(t, "/x.apk", b)
		f := detecttest.File("/x", b)
		schemeSigners(f)
	})
}
