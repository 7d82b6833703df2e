package pgp

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
	"github.com/interdict/interdict/testdata/need"
)

// keys makes a GnuPG home with keys of three people and returns it.
func keys(t *testing.T, algorithms ...string) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, alg := range algorithms {
		gpg(t, home, "--passphrase", "", "--quick-gen-key", names[i], alg, "default", "0")
	}
	t.Cleanup(func() { exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	return home
}

var names = []string{"Acme Packages (stable) <packages@acme.example>", "АО «Акме» <a@acme.example>", "Root CA of Acme"}

func gpg(t *testing.T, home string, args ...string) string {
	t.Helper()
	need.Tool(t, "gpg")
	cmd := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gpg (package gnupg) %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// listed are the keys and user IDs that gpg itself lists.
func listed(t *testing.T, home, file string) []string {
	t.Helper()
	var ids []string
	key := ""
	for line := range strings.SplitSeq(gpg(t, home, "--with-colons", "--show-keys", file), "\n") {
		f := strings.Split(line, ":")
		switch f[0] {
		case "pub":
			key = f[4]
		case "uid":
			name := strings.ReplaceAll(f[9], `\x3a`, ":")
			ids = append(ids, "key "+key+": "+name)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func noted(c sbom.Component) []string {
	var ids []string
	for _, e := range c.Evidence {
		ids = append(ids, e.Where+": "+e.Value)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestForms(t *testing.T) {
	home := keys(t, "ed25519", "rsa2048", "brainpoolP256r1")
	gpg(t, home, "-o", filepath.Join(home, "acme.gpg"), "--export")
	gpg(t, home, "-o", filepath.Join(home, "acme.asc"), "--armor", "--export")
	one := gpg(t, home, "--armor", "--export", "packages@acme.example")
	two := gpg(t, home, "--armor", "--export", "a@acme.example")
	detecttest.Write(t, home, "RPM-GPG-KEY-acme", "Keys of Acme\n\n"+one+"\nand\n"+strings.ReplaceAll(two, "\n", "\r\n"))
	all := listed(t, home, filepath.Join(home, "acme.gpg"))
	for file, want := range map[string][]string{
		"acme.gpg": all, "acme.asc": all, "pubring.kbx": all,
		"RPM-GPG-KEY-acme": slices.DeleteFunc(slices.Clone(all), func(s string) bool { return strings.Contains(s, "Root CA") }),
	} {
		c, gaps := detecttest.Detect(t, New(nil), detecttest.Open(t, filepath.Join(home, file)))
		if d := cmp.Diff(want, noted(c)); d != "" || len(gaps) > 0 || len(want) < 2 {
			t.Errorf("%s: %v %s", file, gaps, d)
		}
	}
	b := detecttest.Read(t, home, "acme.gpg")
	if _, gaps := detecttest.Detect(t, New(nil), detecttest.File("/etc/apt/trusted.gpg.d/acme.gpg", b[:len(b)-20])); len(gaps) != 1 || gaps[0].Reason != sbom.Malformed {
		t.Errorf("cut: %v", gaps)
	}
	for p, text := range map[string]string{"/x/a.key": "-----BEGIN PRIVATE KEY-----\n", "/etc/hosts": one, "/a.gpg": "\x85\x01text that is encrypted"} {
		if New(nil).Wants(detecttest.File(p, []byte(text))) {
			t.Errorf("%s is wanted", p)
		}
	}
}

// What is read from the keyrings of the distribution is what gpg reads.
func TestDistribution(t *testing.T) {
	home := t.TempDir()
	var files []string
	for _, pattern := range []string{"/usr/share/keyrings/*.gpg", "/etc/apt/trusted.gpg.d/*"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatal("no keyring in /usr/share/keyrings (package debian-archive-keyring)")
	}
	every := &sbom.Watch{Match: func(sbom.Kind, string) bool { return true }}
	for _, f := range files {
		c, gaps := detecttest.Detect(t, New(every), detecttest.Open(t, f))
		if d := cmp.Diff(listed(t, home, f), noted(c)); d != "" || len(gaps) > 0 {
			t.Errorf("%s: %v %s", f, gaps, d)
		}
	}
}

// Of a keyring of many people only the watched are noted.
func TestMany(t *testing.T) {
	home := keys(t, "ed25519")
	one := []byte(gpg(t, home, "--export"))
	var many []byte
	for range maxNoted + 1 {
		many = append(many, one...)
	}
	w := &sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.PGPUserID && strings.HasPrefix(v, "Acme") }}
	for watch, want := range map[*sbom.Watch]int{nil: 0, w: maxNoted + 1} {
		if c, gaps := detecttest.Detect(t, New(watch), detecttest.File("/a.gpg", many)); len(c.Evidence) != want || len(gaps) > 0 {
			t.Errorf("%d noted, want %d; %v", len(c.Evidence), want, gaps)
		}
	}
}
