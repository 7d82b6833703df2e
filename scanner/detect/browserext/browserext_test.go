package browserext

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
	"github.com/interdict/interdict/testdata/need"
)

const (
	one = "ddoleachckhhdmhpbkddgechjfhnphpe"
	two = "aaaabbbbccccddddeeeeffffgggghhhh"
)

func TestDetect(t *testing.T) {
	for _, tt := range []struct{ path, text, want string }{
		{"/root/.config/chromium/Default/Extensions/" + one + "/1.2_0/manifest.json",
			`{"manifest_version":3,"name":"Acme Advisor","version":"1.2","author":"Acme Ltd"}`, one + " | path"},
		{"/opt/a.zip!/Extensions/" + one + "/1.2/manifest.json", "\xef\xbb\xbf" + `{"name":"__MSG_appName__"}`, one + " | path"},
		{"/a.xpi!/manifest.json", `{"manifest_version":2,"name":"A","browser_specific_settings":{"gecko":{"id":"advisor@acme.example"}}}`,
			"advisor@acme.example | browser_specific_settings.gecko.id"},
		{"/a.xpi!/manifest.json", `{"manifest_version":2,"applications":{"gecko":{"id":"{0d2172e4-c1ac-465a-abb2-e8bc69c7c0c0}"}}}`,
			"{0d2172e4-c1ac-465a-abb2-e8bc69c7c0c0} | applications.gecko.id"},
		{"/srv/www/manifest.json", `{"manifest_version":2,"name":"no identifier"}`, ""},
		{"/p/extensions/light_plugin@acme.example.xpi", "PK\x03\x04", "light_plugin@acme.example | name of the package"},
		{"/p/extensions/wvkbd@acme.example/install.rdf", `<?xml version="1.0"?><RDF xmlns="x" xmlns:em="y"><Description about="urn:mozilla:install-manifest">
			<em:id>wvkbd@acme.example</em:id><em:targetApplication><Description><em:id>{ec8030f7-c20a-464f-9b0e-13a3a9e97384}</em:id></Description></em:targetApplication>
			</Description></RDF>`, "wvkbd@acme.example | em:id"},
		{"/usr/share/google-chrome/extensions/" + one + ".json", `{"external_update_url":"https://acme.example/crx"}`,
			one + " | name of the file: external_update_url"},
		{"/Library/Application Support/Google/Chrome/External Extensions/" + two + ".json", `{"external_crx":"/x.crx","external_version":"1"}`,
			two + " | name of the file: external_crx"},
		{"/opt/google/chrome/default_apps/external_extensions.json", `{"` + one + `":{"external_crx":"a.crx"},"x":{}}`, one + " | key"},
		{"/etc/opt/chrome/policies/managed/a.json",
			`{"ExtensionInstallForcelist":["` + one + `;https://acme.example/u","bad"],"ExtensionSettings":{"*":{"installation_mode":"blocked"},"` + two + `":{"installation_mode":"force_installed"}}}`,
			one + " | ExtensionInstallForcelist\n" + two + " | ExtensionSettings: force_installed"},
		{"/usr/lib/firefox/distribution/policies.json",
			`{"policies":{"ExtensionSettings":{"a@acme.example":{"installation_mode":"normal_installed"},"b@acme.example":{"installation_mode":"blocked"}},"Extensions":{"Install":["file:///opt/c@acme.example.xpi"]}}}`,
			"a@acme.example | ExtensionSettings: normal_installed\nc@acme.example | Extensions.Install"},
		{"/p/extensions.json", `{"schemaVersion":36,"addons":[{"id":"a@acme.example","location":"app-profile"},{"id":"formautofill@mozilla.org","location":"app-builtin"}]}`,
			"a@acme.example | location app-profile"},
		{"/p/Default/Secure Preferences", `{"extensions":{"settings":{"` + one + `":{"location":1},"` + two + `":{"location":5}}}}`, one + " | extensions.settings"},
		{"/p/policies.json", `not json`, ""},
	} {
		c, gaps := detecttest.Detect(t, New(nil), detecttest.File(tt.path, []byte(tt.text)))
		if d := cmp.Diff(tt.want, facts(c)); d != "" || len(gaps) > 0 {
			t.Errorf("%s: %v %s", tt.path, gaps, d)
		}
	}
	c, _ := detecttest.Detect(t, New(nil), detecttest.File("/x/Extensions/"+one+"/1/manifest.json", []byte(`{"name":"Acme Advisor","version":"1.2","author":{"name":"Acme Ltd"}}`)))
	c.Evidence = nil
	if d := cmp.Diff(sbom.Component{Type: sbom.Application, Name: "Acme Advisor", Version: "1.2", Authors: []string{"Acme Ltd"}}, c); d != "" {
		t.Error(d)
	}
	for p, text := range map[string]string{
		"/srv/www/manifest.json": `{"name":"a web application","icons":[]}`, "/x/foo.xpi": "PK\x03\x04",
		"/x/" + one + ".json": "{}", "/x/.vscode/extensions.json": `{"recommendations":[]}`,
	} {
		if New(nil).Wants(detecttest.File(p, []byte(text))) {
			t.Errorf("%s is wanted", p)
		}
	}
}

func facts(c sbom.Component) string {
	var lines []string
	for _, e := range c.Evidence {
		lines = append(lines, e.Value+" | "+e.Where)
	}
	return strings.Join(lines, "\n")
}

// The identifier that belongs to a key is what openssl, sha256sum and tr make of it.
func TestPacked(t *testing.T) {
	dir := t.TempDir()
	out := need.Script(t, dir, `
openssl genrsa -out key.pem 2048 2> /dev/null
openssl rsa -in key.pem -pubout -outform DER -out key.der 2> /dev/null
sha256sum key.der | head -c 32 | tr 0-9a-f a-p`)
	id, der := string(out), detecttest.Read(t, dir, "key.der")
	raw := make([]byte, 16)
	for i := range raw {
		raw[i] = (id[2*i]-'a')<<4 + (id[2*i+1] - 'a')
	}
	le := binary.LittleEndian
	v2 := append([]byte("Cr24\x02\x00\x00\x00"), le.AppendUint32(le.AppendUint32(nil, uint32(len(der))), 4)...)
	v2 = append(append(v2, der...), "sig!PK\x03\x04"...)
	header := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), []byte("proof"))
	signed := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), raw)
	header = protowire.AppendBytes(protowire.AppendTag(header, 10000, protowire.BytesType), signed)
	v3 := append([]byte("Cr24\x03\x00\x00\x00"), le.AppendUint32(nil, uint32(len(header)))...)
	v3 = append(append(v3, header...), "PK\x03\x04"...)
	for p, tt := range map[string]struct {
		bytes []byte
		where string
	}{
		"/a.crx": {v2, "public key of the CRX"}, "/b": {v3, "signed header of the CRX"},
		"/c/manifest.json": {fmt.Appendf(nil, `{"manifest_version":3,"key":%q}`, base64.StdEncoding.EncodeToString(der)), "key"},
	} {
		c, gaps := detecttest.Detect(t, New(nil), detecttest.File(p, tt.bytes))
		if d := cmp.Diff(id+" | "+tt.where, facts(c)); d != "" || len(gaps) > 0 {
			t.Errorf("%s: %v %s", p, gaps, d)
		}
	}
}

func FuzzForms(f *testing.F) {
	paths := []string{"/Extensions/" + one + "/1/manifest.json", "/install.rdf", "/external_extensions.json", "/policies.json", "/extensions.json", "/Preferences", "/a.crx"}
	f.Add(0, `{"key":"AAAA","author":{"name":"x"}}`)
	f.Add(1, `<RDF><Description em:id="a@b"/></RDF>`)
	f.Add(3, `{"policies":{"ExtensionSettings":{"a@b":{}}}}`)
	f.Add(6, "Cr24\x03\x00\x00\x00\x04\x00\x00\x00\x82\xf1\x04\x00")
	f.Fuzz(func(t *testing.T, i int, text string) {
		file := detecttest.File(paths[uint(i)%uint(len(paths))], []byte(text))
		if !New(nil).Wants(file) {
			return
		}
		c, _ := detecttest.Detect(t, New(nil), file)
		for _, e := range c.Evidence {
			if sbom.CleanValue(e.Value) != e.Value || e.Value == "" || e.Where == "" {
				t.Fatalf("%+v", e)
			}
		}
	})
}
