package winreg

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
	"github.com/interdict/interdict/scanner/detect/internal/regf/regftest"
)

// softwareReg is in the form of regedit; HKLM\SOFTWARE is the hive's root.
const softwareReg = `[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{4C5B5DA2-2E55-43F4-852A-5089BEA29061}]
"DisplayName"="Acme Guard"
"Publisher"="Acme Ltd"
"DisplayVersion"="21.9"
"InstallLocation"="C:\\Program Files\\Acme\\Guard\\"
"URLInfoAbout"="https://acme.example/guard"

[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\AcmeTool]
"DisplayName"="Acme Tool"
"Publisher"="Acme Ltd"

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Connection Manager]
"SystemComponent"=dword:00000001

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Run]
"Acme"="\"C:\\Program Files\\Acme\\tray.exe\" --hidden"
"Defender"="%windir%\\system32\\SecurityHealthSystray.exe"

[HKEY_LOCAL_MACHINE\SOFTWARE\Classes\CLSID\{1}]

[HKEY_LOCAL_MACHINE\SOFTWARE\AcmeLab\protected\AVP21.3]

[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\AcmeLab]

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Deep\Watched\Key\Below]

[HKEY_LOCAL_MACHINE\SOFTWARE\Google\Chrome\Extensions\ddoleachckhhdmhpbkddgechjfhnphpe]
"update_url"="https://acme.example/crx"

[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Edge\ExtensionInstallForcelist]
"1"="aaaabbbbccccddddeeeeffffgggghhhh;https://acme.example/u"

[HKEY_LOCAL_MACHINE\SOFTWARE\Mozilla\Firefox\Extensions]
"plugin@acme.example"="C:\\x.xpi"

`

const systemReg = `[HKEY_LOCAL_MACHINE\SYSTEM\Select]
"Current"=dword:00000002

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\Old]
"ImagePath"="C:\\Old\\old.exe"

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet002\Services\AVP21.3]
"ImagePath"="\"C:\\Program Files (x86)\\Acme Lab\\avp.exe\" -r"
"DisplayName"="Acme Guard Service"

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet002\Services\acmeflt]
"ImagePath"="\\SystemRoot\\system32\\DRIVERS\\acmeflt.sys"
"DisplayName"="Acme Ltd Driver"

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet002\Services\ACPI]
"ImagePath"="System32\\drivers\\ACPI.sys"
"DisplayName"="@acpi.inf,%ACPI.SvcDesc%;Microsoft ACPI Driver"

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet002\Services\bam]
"ImagePath"="system32\\drivers\\bam.sys"

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet002\Services\watched]
"ImagePath"="system32\\drivers\\watched.sys"

`

func watch(match ...string) *sbom.Watch {
	return &sbom.Watch{Match: func(k sbom.Kind, v string) bool {
		for _, m := range match {
			if kind, prefix, _ := strings.Cut(m, "="); string(k) == kind && strings.HasPrefix(v, prefix) {
				return true
			}
		}
		return false
	}}
}

func lines(c sbom.Component) string {
	var b strings.Builder
	for _, e := range c.Evidence {
		b.WriteString(string(e.Kind) + ": " + e.Value + " | " + e.Where + "\n")
	}
	return b.String()
}

func detect(t *testing.T, w *sbom.Watch, path string, b []byte) (file sbom.Component, inside []sbom.Component) {
	t.Helper()
	f := detecttest.File(path, b)
	d := New(w)
	if !d.Wants(f) {
		t.Fatal("not wanted")
	}
	r, err := d.Detect(t.Context(), f)
	if err != nil || len(r.Gaps) > 0 {
		t.Fatal(err, r.Gaps)
	}
	if r.Component != nil {
		file = *r.Component
	}
	return file, r.Inside
}

func TestSoftware(t *testing.T) {
	hive := regftest.Build(t, `HKEY_LOCAL_MACHINE\SOFTWARE`, softwareReg)
	file, inside := detect(t, watch(`registry_key=HKLM\SOFTWARE\Microsoft\Deep\Watched`), "/Files/Windows/System32/config/SOFTWARE", hive)
	want := `autostart: C:\Program Files\Acme\tray.exe | HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run: Acme
browser_extension_id: ddoleachckhhdmhpbkddgechjfhnphpe | HKLM\SOFTWARE\Google\Chrome\Extensions
browser_extension_id: aaaabbbbccccddddeeeeffffgggghhhh | HKLM\SOFTWARE\Policies\Microsoft\Edge\ExtensionInstallForcelist
browser_extension_id: plugin@acme.example | HKLM\SOFTWARE\Mozilla\Firefox\Extensions
registry_key: HKLM\SOFTWARE\AcmeLab | key
registry_key: HKLM\SOFTWARE\Google | key
registry_key: HKLM\SOFTWARE\Mozilla | key
registry_key: HKLM\SOFTWARE\WOW6432Node\AcmeLab | key
registry_key: HKLM\SOFTWARE\Microsoft\Deep\Watched | key
`
	if d := cmp.Diff(want, lines(file)); d != "" {
		t.Error(d)
	}
	const at = `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{4C5B5DA2-2E55-43F4-852A-5089BEA29061}`
	const wow = `HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\AcmeTool`
	programs := []sbom.Component{{
		Type: sbom.Application, Name: "Acme Guard", Version: "21.9", Publisher: "Acme Ltd",
		Evidence: []sbom.Evidence{
			{Kind: sbom.Uninstall, Value: "Acme Ltd", Where: at + ": Publisher"},
			{Kind: sbom.RegistryKey, Value: at, Where: "key"},
			{Kind: sbom.MSICode, Value: "{4C5B5DA2-2E55-43F4-852A-5089BEA29061}", Where: at},
		},
		Properties: []sbom.Property{{Name: "interdict:install-location", Value: `C:\Program Files\Acme\Guard\`}},
		References: []sbom.Reference{{Type: "website", URL: "https://acme.example/guard"}},
	}, {
		Type: sbom.Application, Name: "Acme Tool", Publisher: "Acme Ltd",
		Evidence: []sbom.Evidence{
			{Kind: sbom.Uninstall, Value: "Acme Ltd", Where: wow + ": Publisher"},
			{Kind: sbom.RegistryKey, Value: wow, Where: "key"},
		},
	}}
	if d := cmp.Diff(programs, inside); d != "" {
		t.Error(d)
	}
}

func TestSystem(t *testing.T) {
	hive := regftest.Build(t, `HKEY_LOCAL_MACHINE\SYSTEM`, systemReg)
	w := watch("filename=watched.sys", `registry_key=HKLM\SYSTEM\CurrentControlSet\Services\AVP`)
	file, _ := detect(t, w, "/Hives/System_Delta", hive)
	want := `windows_service: acmeflt | Services\acmeflt: Acme Ltd Driver, \SystemRoot\system32\DRIVERS\acmeflt.sys
autostart: \SystemRoot\system32\DRIVERS\acmeflt.sys | Services\acmeflt: ImagePath
windows_service: AVP21.3 | Services\AVP21.3: Acme Guard Service, C:\Program Files (x86)\Acme Lab\avp.exe
autostart: C:\Program Files (x86)\Acme Lab\avp.exe | Services\AVP21.3: ImagePath
windows_service: watched | Services\watched, system32\drivers\watched.sys
registry_key: HKLM\SYSTEM\CurrentControlSet\Services\AVP21.3 | key
`
	if d := cmp.Diff(want, lines(file)); d != "" {
		t.Error(d)
	}
}

// A user's hive, a delta with little in it, and a hive of something else.
func TestWhichHive(t *testing.T) {
	user := regftest.Build(t, `HKEY_CURRENT_USER`, "[HKEY_CURRENT_USER\\Software\\Acme]\n\n[HKEY_CURRENT_USER\\Control Panel]\n")
	few := regftest.Build(t, `HKEY_LOCAL_MACHINE\SOFTWARE`, "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\n")
	for _, tt := range []struct {
		path, want string
		hive       []byte
	}{
		{"/Users/u/NTUSER.DAT", `registry_key: HKCU\SOFTWARE\Acme | key`, user},
		{"/Hives/Software_Delta", `registry_key: HKLM\SOFTWARE\Acme | key`, few},
		{"/Files/Windows/System32/config/COMPONENTS", "", few},
	} {
		file, _ := detect(t, nil, tt.path, tt.hive)
		if got := strings.TrimSpace(lines(file)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}

// Certificates that Windows trusts lie behind properties of them.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	detecttest.Run(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "der", "-outform", "DER",
		"-subj", "/O=AO Acme Lab/CN=Acme Personal Root Certificate")
	blob := append([]byte("\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00ab\x20\x00\x00\x00\x01\x00\x00\x00\x00\x04\x00\x00"), detecttest.Read(t, dir, "der")...)
	text := strings.Builder{}
	for i := range blob {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(hex.EncodeToString(blob[i : i+1]))
	}
	hive := regftest.Build(t, `HKEY_LOCAL_MACHINE\SOFTWARE`,
		"[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SystemCertificates\\ROOT\\Certificates\\AA11]\n\"Blob\"=hex:"+text.String()+"\n")
	file, _ := detect(t, watch("x509_subject=CN=Acme"), "/SOFTWARE", hive)
	want := `x509_subject: CN=Acme Personal Root Certificate,O=AO Acme Lab | HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\AA11` + "\n"
	if d := cmp.Diff(want, lines(file)); d != "" {
		t.Error(d)
	}
}

func TestGaps(t *testing.T) {
	hive := regftest.Build(t, `HKEY_LOCAL_MACHINE\SOFTWARE`, softwareReg)
	change := func(f func(b []byte) []byte) []byte { return f([]byte(string(hive))) }
	for name, tt := range map[string]struct {
		bytes []byte
		want  sbom.Reason
	}{
		"cut":      {hive[:len(hive)-4096], sbom.Truncated},
		"one":      {hive[:1000], sbom.Truncated},
		"overlaid": {change(func(b []byte) []byte { copy(b[4096:], make([]byte, 4096)); return b }), sbom.Malformed},
		"dirty":    {change(func(b []byte) []byte { b[4]++; return b }), sbom.Malformed},
		"log":      {change(func(b []byte) []byte { b[28] = 6; return b }), ""},
	} {
		r, err := New(nil).Detect(t.Context(), detecttest.File("/SOFTWARE", tt.bytes))
		var got sbom.Reason
		if len(r.Gaps) > 0 {
			got = r.Gaps[0].Reason
		}
		if got != tt.want || err != nil {
			t.Errorf("%s: %v %v, want %q", name, err, r.Gaps, tt.want)
		}
	}
}

func TestProgram(t *testing.T) {
	for command, want := range map[string]string{
		`"C:\Program Files\a b\x.exe" -r`:          `C:\Program Files\a b\x.exe`,
		`C:\Program Files\a b\x.exe -r`:            `C:\Program Files\a b\x.exe`,
		`%SystemRoot%\system32\svchost.exe -k x`:   `%SystemRoot%\system32\svchost.exe`,
		`\??\C:\Windows\system32\drivers\klif.sys`: `\??\C:\Windows\system32\drivers\klif.sys`,
		`rundll32 x`:          `rundll32`,
		``:                    ``,
		`C:\a.exercise\b.exe`: `C:\a.exercise\b.exe`,
	} {
		if got := program(command); got != want {
			t.Errorf("program(%s) = %s", command, got)
		}
	}
}

// BenchmarkWalk asks for every key of a hive whether it is watched.
func BenchmarkWalk(b *testing.B) {
	var reg strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&reg, "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes\\CLSID\\{%08x}\\InprocServer32]\n@=\"x.dll\"\n\n", i)
	}
	f := detecttest.File("/SOFTWARE", regftest.Build(b, `HKEY_LOCAL_MACHINE\SOFTWARE`, reg.String()))
	d := New(watch("registry_key=none"))
	for b.Loop() {
		if _, err := d.Detect(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*4000), "ns/key")
}
