package pe

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/testdata/need"
)

// realPackages are npm packages that hold signed Windows programs: SHA-1 and
// SHA-256, nested, with PKCS #9 and RFC 3161 times, of 2010 to 2024.
var realPackages = []string{"edge-js@23.1.1", "electron-winstaller@5.4.0", "node-notifier@10.0.1"}

// fetch unpacks an npm package into the user's cache, once, and returns its folder.
func fetch(t *testing.T, spec string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	parent := filepath.Join(cache, "interdict-test", "npm")
	dir := filepath.Join(parent, spec)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(parent, "fetch")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	need.Network(t, "npm")
	out, err := exec.Command("npm", "pack", "--silent", "--pack-destination", tmp, spec).Output()
	if err != nil {
		t.Fatalf("npm pack %s: %v", spec, err)
	}
	archive := filepath.Join(tmp, strings.TrimSpace(string(out)))
	if out, err := exec.Command("tar", "-xzf", archive, "-C", tmp).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(tmp, "package"), dir); err != nil && !os.IsExist(err) {
		if _, again := os.Stat(dir); again != nil { // another test was faster
			t.Fatal(err)
		}
	}
	return dir
}

var (
	subjectLine = regexp.MustCompile(`Signer's certificate:\n(?:\t-+\n)?\tSigner #0:\n\t\tSubject: (.*)\n\t\tIssuer : (.*)`)
	digestLines = regexp.MustCompile(`Current message digest +: (\w+) *\nCalculated message digest +: (\w+)`)
	timeLine    = regexp.MustCompile(`(?:Timestamp time|The signature is timestamped): (.*)\n`)
	orgPart     = regexp.MustCompile(`/O=([^/]+)`)
	cnPart      = regexp.MustCompile(`/CN=([^/]+)`)
)

// Signers, their order and their times are those that osslsigncode reads from
// real files. That they are verified rests on the chain inside; osslsigncode
// asks for the roots as well, which nobody has here.
func TestRealSignatures(t *testing.T) {
	need.Tool(t, "osslsigncode")
	signed := 0
	for _, spec := range realPackages {
		err := filepath.WalkDir(fetch(t, spec), func(file string, d os.DirEntry, err error) error {
			if err != nil || !slices.Contains([]string{".exe", ".dll", ".node", ".com"}, filepath.Ext(file)) {
				return err
			}
			out, _ := exec.Command("osslsigncode", "verify", "-in", file).CombinedOutput()
			if strings.Contains(string(out), "No signature found") {
				return nil
			}
			signed++
			compare(t, file, string(out))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if signed < 10 {
		t.Errorf("only %d signed files: the test sees too little", signed)
	}
}

func compare(t *testing.T, file, out string) {
	var want []string
	for _, m := range subjectLine.FindAllStringSubmatch(out, -1) {
		want = append(want, "authenticode_subject_o="+orgPart.FindStringSubmatch(m[1])[1],
			"authenticode_subject_cn="+cnPart.FindStringSubmatch(m[1])[1],
			"issued by "+cnPart.FindStringSubmatch(m[2])[1])
	}
	for _, m := range digestLines.FindAllStringSubmatch(out, -1) {
		if m[1] != m[2] {
			t.Errorf("%s: changed after signing", file)
		}
	}
	var times []string
	for _, m := range timeLine.FindAllStringSubmatch(out, -1) {
		when, err := time.Parse("Jan _2 15:04:05 2006 MST", m[1])
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, "signed "+when.Format(time.DateOnly))
	}
	res := detectFile(t, file, nil)
	var got, gotTimes []string
	for _, e := range res.Component.Evidence {
		switch e.Kind {
		case sbom.SignerO:
			got = append(got, string(e.Kind)+"="+e.Value)
			gotTimes = append(gotTimes, regexp.MustCompile(`signed [-0-9]+`).FindString(e.Where))
		case sbom.SignerCN:
			got = append(got, string(e.Kind)+"="+e.Value, regexp.MustCompile(`issued by [^,]+`).FindString(e.Where))
		case sbom.SignerOClaimed, sbom.SignerCNClaimed:
			t.Errorf("%s: not verified: %s", file, e.Where)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %s", file, d)
	}
	if d := cmp.Diff(times, gotTimes); d != "" {
		t.Errorf("%s: %s", file, d)
	}
	if len(res.Gaps) > 0 {
		t.Errorf("%s: %v", file, res.Gaps)
	}
}

// Assemblies say their maker in attributes, which the compiler copies into the
// version resource: the two agree.
func TestRealAssemblies(t *testing.T) {
	file := filepath.Join(fetch(t, "electron-winstaller@5.4.0"), "vendor", "wix.dll")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	res := open1(t, data, "wix.dll", nil)
	// Without the resource, the attributes remain.
	im, err := open(strings.NewReader(string(data)), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	le.PutUint64(data[im.dirEntries+8*dirResource:], 0)
	bare := open1(t, data, "wix.dll", nil)
	kinds := []sbom.Kind{sbom.PECompanyName, sbom.PEProductName, sbom.PEFileDescription, sbom.PEAssembly}
	if d := cmp.Diff(facts(res, kinds...), facts(bare, kinds...)); d != "" || len(facts(bare, kinds...)) != 4 {
		t.Errorf("%v %s", facts(bare, kinds...), d)
	}
	if w := where(bare, sbom.PECompanyName); w != ".NET AssemblyCompanyAttribute" {
		t.Error(w)
	}
}
