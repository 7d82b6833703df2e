package serviceconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// Each archive in testdata has files by their path in a system, and after each
// file NAME one called "NAME?" with what is noted of it.
func TestDetect(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(ar.Files); i += 2 {
			f, want := ar.Files[i], ar.Files[i+1]
			if want.Name != f.Name+"?" {
				t.Fatalf("%s: %s is followed by %s", name, f.Name, want.Name)
			}
			t.Run(filepath.Base(name)+f.Name, func(t *testing.T) {
				c, gaps := detecttest.Detect(t, New(nil), detecttest.File(f.Name, f.Data))
				var b strings.Builder
				for _, e := range c.Evidence {
					b.WriteString(string(e.Kind) + ": " + e.Value + " | " + e.Where + "\n")
				}
				if d := cmp.Diff(strings.TrimSpace(string(want.Data)), strings.TrimSpace(b.String())); d != "" || len(gaps) > 0 {
					t.Errorf("%v %s", gaps, d)
				}
			})
		}
	}
}

func TestWants(t *testing.T) {
	for p, want := range map[string]bool{
		"/usr/lib/systemd/system/acme.service":                  true,
		"/var/opt/acme/install/lib/systemd/system/acme.service": true,
		"/tmp/acme.deb!/lib/systemd/system/acme.timer":          true,
		"/home/u/.config/systemd/user/acme.socket":              true,
		"/usr/share/dbus-1/system-services/com.acme.service":    true,
		"/tmp/a.deb!/etc/apt/sources.list.d/acme.list":          true,
		"/etc/init.d/acme":                                            true,
		"/etc/rc.d/init.d/acme":                                       true,
		"/Users/u/Library/LaunchAgents/com.acme.plist":                true,
		"/usr/lib/systemd/systemd":                                    false,
		"/etc/systemd/system/acme.service.d/override.conf":            false,
		"/usr/share/doc/acme/acme.service":                            false,
		"/usr/share/applications/acme.desktop":                        false,
		"/usr/lib/python3/repositories":                               false,
		"/opt/acme/etc.zip!/modules":                                  false,
		"/usr/share/acme/ld.so.preload":                               false,
		"/etc/nginx/conf.d/default.conf":                              false,
		"/opt/app/etc/ld.so.preload":                                  true,
		"/etc/service/acme/run":                                       true,
		"/srv/app/run":                                                false,
		"/Library/Fonts/x.plist":                                      false,
		"/usr/local/lib/python3.12/site-packages/x/conf.d/queue.conf": false,
	} {
		if got := New(nil).Wants(detecttest.File(p, []byte("x"))); got != want {
			t.Errorf("Wants(%s) = %v", p, got)
		}
	}
}

// What the system that runs the tests has is read without complaint.
func TestRealFiles(t *testing.T) {
	read := 0
	for _, dir := range []string{"/etc", "/usr/lib/systemd", "/lib/systemd/system", "/usr/share/dbus-1"} {
		filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			b, err := os.ReadFile(p)
			if err != nil || !New(nil).Wants(detecttest.File(p, b)) {
				return nil
			}
			c, gaps := detecttest.Detect(t, New(nil), detecttest.File(p, b))
			if len(gaps) > 0 {
				t.Errorf("%s: %v", p, gaps)
			}
			for _, e := range c.Evidence {
				if testing.Verbose() {
					t.Log(p, e.Kind, e.Value, e.Where)
				}
			}
			read++
			return nil
		})
	}
	if read == 0 {
		t.Error("there is no unit, script or repository on this system")
	}
}

// A key that is written out in a source is read: the real one of Debian.
func TestSignedBy(t *testing.T) {
	files, _ := filepath.Glob("/etc/apt/trusted.gpg.d/debian-archive-*-stable.asc")
	if len(files) == 0 {
		t.Fatal("this test needs the package debian-archive-keyring")
	}
	key := strings.TrimSpace(string(detecttest.Read(t, files[0])))
	text := "Types: deb\nURIs: https://packages.acme.example/deb\nSuites: stable\nSigned-By:\n"
	for line := range strings.SplitSeq(key, "\n") {
		if line == "" {
			line = "."
		}
		text += " " + line + "\n"
	}
	c, gaps := detecttest.Detect(t, New(nil), detecttest.File("/etc/apt/sources.list.d/acme.sources", []byte(text)))
	ids := detecttest.Values(c, sbom.PGPUserID)
	if len(ids) == 0 || !strings.HasPrefix(ids[0], "Debian Stable Release Key") || len(c.Evidence) != len(ids)+1 || len(gaps) > 0 {
		t.Errorf("%v %v", detecttest.Facts(c), gaps)
	}
}

func TestBounds(t *testing.T) {
	list := strings.Repeat("deb http://mirror.acme.example/x y\n", 100) + strings.Repeat("deb http://a.example/x y # z\n", 40_000)
	c, gaps := detecttest.Detect(t, New(nil), detecttest.File("/etc/apt/sources.list", []byte(list)))
	if len(c.Evidence) != 2 || len(gaps) != 1 || gaps[0].Reason != sbom.Limit {
		t.Errorf("%d facts, gaps %v", len(c.Evidence), gaps)
	}
}

func FuzzForms(f *testing.F) {
	paths := []string{
		"/lib/systemd/system/a.service", "/etc/xdg/autostart/a.desktop", "/etc/apt/sources.list.d/a.sources",
		"/etc/apt/sources.list", "/etc/yum.repos.d/a.repo", "/etc/apk/repositories", "/etc/pacman.conf",
		"/etc/opkg/a.conf", "/etc/crontab", "/etc/anacrontab", "/etc/cron.daily/a", "/etc/init.d/a",
		"/etc/init/a.conf", "/etc/supervisor/conf.d/a.conf", "/etc/service/a/run", "/etc/ld.so.preload",
		"/etc/modules", "/etc/modprobe.d/a.conf", "/Library/LaunchDaemons/a.plist",
	}
	f.Add(0, "[Service]\nExecStart=/opt/acme/bin/acmed \\\n --x\n[Install]\nAlias=b.service")
	f.Add(2, "Types: deb\nURIs: https://u:p@acme.example\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n x")
	f.Add(4, "[a]\nbaseurl=\n http://a.example/$basearch\n")
	f.Add(8, "@daily root cd /; [ -x /opt/a ] && /opt/a %x")
	f.Add(18, "<plist><dict><key>ProgramArguments</key><array><string>/opt/a</string></array></dict></plist>")
	f.Fuzz(func(t *testing.T, i int, text string) {
		p := paths[uint(i)%uint(len(paths))]
		if len(text) == 0 {
			return
		}
		c, _ := detecttest.Detect(t, New(nil), detecttest.File(p, []byte(text)))
		if len(c.Evidence) > maxFacts {
			t.Fatalf("%d facts", len(c.Evidence))
		}
		for _, e := range c.Evidence {
			if e.Value == "" || sbom.CleanValue(e.Value) != e.Value || e.Where == "" {
				t.Fatalf("%+v", e)
			}
		}
	})
}
