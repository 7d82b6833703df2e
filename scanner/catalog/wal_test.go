package catalog

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner/scantest"
)

// TestWriteAheadLog: what only the log of rpm's database holds is installed, as
// rpm -qa says, whatever layer brought the log; a log that SQLite would not take
// adds nothing.
func TestWriteAheadLog(t *testing.T) {
	root := t.TempDir()
	first := installRPM(t, root, "acme-agent", "1.0")
	both := installRPM(t, root, "acme-tools", "2.0")
	dir := t.TempDir()
	db, wal := logged(t, dir, first, both)

	var out bytes.Buffer
	cmd := exec.Command("rpm", "--define", "_db_backend sqlite", "--dbpath", dir, "-qa", "--qf", "%{NAME}\n")
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(out.String())
	slices.Sort(listed)
	if d := cmp.Diff([]string{"acme-agent", "acme-tools"}, listed); d != "" {
		t.Fatalf("rpm lists (-want +got):\n%s", d)
	}

	const at = "/var/lib/rpm/rpmdb.sqlite"
	system, main, log := text("/etc/os-release", "ID=fedora\nVERSION_ID=40\n"), scantest.File{Path: at, Body: db}, scantest.File{Path: at + walSuffix, Body: wal}
	broken := scantest.File{Path: at + walSuffix, Body: bytes.Clone(wal)}
	broken.Body[walHeader+walFrame+100] ^= 1
	for _, tt := range []struct {
		name   string
		layers [][]scantest.File
		want   string // layers that acme-tools is in, with "-" where hidden
	}{
		{"one layer", [][]scantest.File{{system, main, log}}, "0"},
		{"the log is of another layer", [][]scantest.File{{system, main}, {log}}, "1"},
		{"the log was removed", [][]scantest.File{{system, main}, {log}, {text(filepath.Dir(at)+"/.wh.rpmdb.sqlite-wal", "")}}, "1-"},
		{"the first frame is damaged", [][]scantest.File{{system, main, broken}}, ""},
		{"no log", [][]scantest.File{{system, main}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := scantest.Image{}
			for _, files := range tt.layers {
				im.Layers = append(im.Layers, scantest.Layer{Files: files})
			}
			layers := indexes(t, built(t, im))
			c, err := Components(t.Context(), layers, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for i := range c.Components {
				if c.Components[i].Name == "acme-tools" {
					got = where(layers, &c.Components[i])
				}
			}
			if got != tt.want {
				t.Errorf("acme-tools is in %q, want %q", got, tt.want)
			}
			if agent := findName(t, c, "acme-agent"); hidden(agent) {
				t.Errorf("acme-agent is hidden: %+v", agent.Occurrences)
			}
			if len(c.Gaps) > 0 {
				t.Errorf("gaps: %+v", c.Gaps)
			}
		})
	}
}

// logged writes first as rpm's database below dir, adds what both has more to its
// log alone, and returns the two files.
func logged(t *testing.T, dir string, first, both []byte) (db, wal []byte) {
	t.Helper()
	p, other := filepath.Join(dir, "rpmdb.sqlite"), filepath.Join(t.TempDir(), "both.sqlite")
	write(t, p, string(first))
	write(t, other, string(both))
	conn, err := sql.Open("sqlite", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) // closing writes the log back
	conn.SetMaxOpenConns(1)
	for _, q := range []string{
		"pragma journal_mode=wal", "pragma wal_autocheckpoint=0", "attach '" + other + "' as b",
		"insert into main.Packages select * from b.Packages where hnum not in (select hnum from main.Packages)",
		"insert into main.Name select * from b.Name where hnum not in (select hnum from main.Name)",
		"detach b",
	} {
		if _, err := conn.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if db, err = os.ReadFile(p); err == nil {
		wal, err = os.ReadFile(p + walSuffix)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db, wal
}
