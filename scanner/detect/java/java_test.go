package java

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// build runs a script in a copy of a folder with some compiled classes and a
// manifest, and returns the file "out" that it leaves.
func build(t testing.TB, classes, script string) []byte {
	t.Helper()
	return detecttest.Build(t, "cp -a "+classes+"/. .\n"+script)
}

const sources = `
mkdir -p s c
for class in com.acme.guard.core.Main com.acme.guard.core.Other com.acme.guard.Api org.other.lib.Util; do
  f=s/$(echo $class | tr . /).java; mkdir -p $(dirname $f)
  echo "package ${class%.*}; public class ${class##*.} {}" > $f
done
javac -d c $(find s -name '*.java')
cat > m.txt <<'E'
Implementation-Title: Acme Guard
Implementation-Version: 4.5.6
Implementation-Vendor: Acme Holding of a very long name that goes on for more than seventy bytes
Implementation-Vendor-Id: com.acme
Bundle-SymbolicName: com.acme.guard;singleton:=true
Specification-Vendor: ${project.vendor}
E
jar -c -f acme.jar -m m.txt -C c .
`

// ca makes an authority, a certificate that it signed, and a key store of both.
const ca = `
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3000 -subj '/O=Test Authority/CN=Root' 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout k.pem -out k.csr -subj '/O=Acme Ltd/CN=Acme Signing' 2>/dev/null
openssl x509 -req -in k.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -out k.crt 2>/dev/null
openssl pkcs12 -export -inkey k.pem -in k.crt -certfile ca.pem -name acme -passout pass:secret -out s.p12
jarsigner -keystore s.p12 -storetype pkcs12 -storepass secret acme.jar acme >/dev/null
`

func detect(t testing.TB, name string, b []byte, w *sbom.Watch) scanner.Result {
	t.Helper()
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

func facts(res scanner.Result) []string {
	if res.Component == nil {
		return nil
	}
	c := res.Component
	var got []string
	for _, e := range c.Evidence {
		s := fmt.Sprintf("%s=%s", e.Kind, e.Value)
		if e.Count > 0 {
			s += fmt.Sprintf(" x%d", e.Count)
		}
		got = append(got, s)
	}
	slices.Sort(got)
	for _, in := range res.Inside {
		got = append(got, fmt.Sprintf("inside: %s %s=%s", in.PURL, in.Evidence[0].Kind, in.Evidence[0].Value))
	}
	return append([]string{strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Name, c.Version, c.PURL))}, got...)
}

const vendor = "Acme Holding of a very long name that goes on for more than seventy bytes"

func TestJAR(t *testing.T) {
	classes := t.TempDir()
	detecttest.Script(t, classes, sources)
	w := &sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.JavaPackage && v == "com/acme/guard/" }}
	base := []string{
		"com.acme.guard 4.5.6",
		"java_manifest_title=Acme Guard", "java_manifest_vendor=" + vendor,
		"java_package=com/acme/ x3", "java_package=com/acme/guard/ x3", "java_package=org/other/ x1", "maven_group=com.acme",
	}
	with := func(more ...string) []string {
		all := append(slices.Clone(base[1:]), more...)
		slices.Sort(all)
		return append([]string{base[0]}, all...)
	}
	pom := `mkdir -p m/META-INF/maven/com.acme.g/art; printf '#x\ngroupId=com.acme.g\nartifactId=art\nversion=7\n' > m/META-INF/maven/com.acme.g/art/pom.properties; (cd m; zip -qr ../acme.jar .);`
	for _, tt := range []struct {
		name, script string
		want         []string
	}{
		{"plain.jar", `mv acme.jar out`, with()},
		{"noextension", `mv acme.jar out`, with()},
		{"app.war", `mkdir -p w/WEB-INF; mv c w/WEB-INF/classes; (mkdir -p w/META-INF; unzip -qp acme.jar META-INF/MANIFEST.MF > w/META-INF/MANIFEST.MF; cd w; zip -qr ../w.zip META-INF .); mv w.zip out`, with()},
		{"boot.jar", `mkdir -p w/BOOT-INF; mv c w/BOOT-INF/classes; (mkdir -p w/META-INF; unzip -qp acme.jar META-INF/MANIFEST.MF > w/META-INF/MANIFEST.MF; cd w; zip -qr ../w.zip META-INF .); mv w.zip out`, with()},
		{"multi.jar", `mkdir -p w/META-INF/versions; mv c w/META-INF/versions/11; (mkdir -p w/META-INF; unzip -qp acme.jar META-INF/MANIFEST.MF > w/META-INF/MANIFEST.MF; cd w; zip -qr ../w.zip META-INF .); mv w.zip out`, with()},
		{"script.jar", `(printf '#!/bin/sh\nexec java -jar "$0"\n'; cat acme.jar) > out`, with()},
		{"pom.jar", pom + `mv acme.jar out`, append([]string{"art 7 pkg:maven/com.acme.g/art@7"}, with("maven_group=com.acme.g")[1:]...)},
		{"fat.jar", `for a in one two; do mkdir -p m/META-INF/maven/g/$a; printf "groupId=org.$a\nartifactId=$a\nversion=7\n" > m/META-INF/maven/g/$a/pom.properties; done; (cd m; zip -qr ../acme.jar .); mv acme.jar out`,
			append(with(), "inside: pkg:maven/org.one/one@7 maven_group=org.one", "inside: pkg:maven/org.two/two@7 maven_group=org.two")},
		{"signed.jar", ca + `mv acme.jar out`, with("jar_signer=Acme Ltd")},
		{"tampered.jar", ca + `mkdir -p x/META-INF; unzip -qp acme.jar META-INF/MANIFEST.MF | sed 's/Acme Guard/Acme Fake!/' > x/META-INF/MANIFEST.MF; (cd x && zip -q ../acme.jar META-INF/MANIFEST.MF); mv acme.jar out`,
			append([]string{base[0]}, strings.Split(strings.Replace(strings.Join(with("jar_signer_claimed=Acme Ltd")[1:], "\n"), "Acme Guard", "Acme Fake!", 1), "\n")...)},
		{"self-signed.jar", `keytool -genkeypair -keystore s.p12 -storetype pkcs12 -storepass secret -alias a -keyalg RSA -dname 'O=Acme Ltd, CN=x' 2>/dev/null; jarsigner -keystore s.p12 -storepass secret acme.jar a >/dev/null; mv acme.jar out`, with("jar_signer_claimed=Acme Ltd")},
		{"only.zip", `cd s; zip -qr ../out.zip .; mv ../out.zip ../out`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := detect(t, "/srv/"+tt.name, build(t, classes, tt.script), w)
			if diff := cmp.Diff(tt.want, facts(res)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzDetect(f *testing.F) {
	classes := f.TempDir()
	detecttest.Script(f, classes, sources)
	f.Add(build(f, classes, `mv acme.jar out`))
	f.Add(build(f, classes, ca+`mv acme.jar out`))
	f.Fuzz(func(t *testing.T, b []byte) { detect(t, "/x.jar", b, nil) })
}
