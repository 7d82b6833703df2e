package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/testdata/need"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"interdict": main})
}

// TestScript runs the users' stories in testdata/script.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[testKey{}] = e.T()
			e.Setenv("TMPDIR", filepath.Join(e.WorkDir, ".tmp"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, ".home"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
			return os.MkdirAll(filepath.Join(e.WorkDir, ".tmp"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"image":       cmdImage,
			"registry":    cmdRegistry,
			"push":        cmdPush,
			"pushindex":   cmdPushIndex,
			"code":        cmdCode,
			"gzip":        cmdGzip,
			"truncate":    cmdTruncate,
			"clean":       cmdClean,
			"rootfs":      cmdRootFS,
			"findings":    cmdFindings,
			"explainable": cmdExplainable,
			"waive":       cmdWaive,
			"cosign":      cmdCosign,
			"tamper":      cmdTamper,
			"corrupt":     cmdCorrupt,
			"digest":      cmdDigest,

			"platformdigest": cmdPlatformDigest,
			"verdictschema":  cmdVerdictSchema,
			"corruptlayer":   cmdCorruptLayer,
			"exported":       cmdExported,
			"exportdigest":   cmdExportDigest,
			"freeport":       cmdFreePort,
			"http":           cmdHTTP,
			"until":          cmdUntil,
			"postgres":       postgresCommand(t),
			"nowhere":        cmdNowhere,
		},
	})
}

// image STORY OUT: writes the image of a txtar file: a docker archive if OUT
// ends in ".tar", else an OCI layout.
func cmdImage(ts *testscript.TestScript, _ bool, args []string) {
	img := buildStory(ts, args[0])
	out := ts.MkAbs(args[1])
	if strings.HasSuffix(out, ".tar") {
		f, err := os.Create(out)
		ts.Check(err)
		ts.Check(scantest.WriteDockerArchive(f, "example.test/app:1", img))
		ts.Check(f.Close())
		return
	}
	ts.Check(scantest.WriteLayout(out, img))
}

// rootfs STORY OUT: writes the first layer as "docker export" would.
func cmdRootFS(ts *testscript.TestScript, _ bool, args []string) {
	im, err := scantest.Parse([]byte(storyText(ts, args[0])))
	ts.Check(err)
	data, err := im.Layers[0].Tar()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}

// storyText reads a story. A txtar cannot hold a txtar, so stories write
// "|-- name --" for "-- name --".
func storyText(ts *testscript.TestScript, name string) string {
	return strings.ReplaceAll("\n"+ts.ReadFile(name), "\n|-- ", "\n-- ")
}

func buildStory(ts *testscript.TestScript, name string) v1.Image {
	im, err := scantest.Parse([]byte(storyText(ts, name)))
	ts.Check(err)
	img, err := im.Build()
	ts.Check(err)
	return img
}

// registry NAME [URL TOKEN]: starts Debian's docker-registry and sets $NAME to
// its address. It tells URL what is pushed, with the token. Where it is not
// installed, go-containerregistry's own serves, which tells nobody anything.
func cmdRegistry(ts *testscript.TestScript, _ bool, args []string) {
	var o scantest.DockerOptions
	if len(args) == 3 {
		o.Webhook, o.Token = args[1], args[2]
	}
	if _, err := exec.LookPath("docker-registry"); err != nil {
		if o.Webhook != "" || need.Current() != need.Plain {
			missing(ts, "docker-registry")
		}
		srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
		ts.Defer(srv.Close)
		ts.Setenv(args[0], strings.TrimPrefix(srv.URL, "http://"))
		return
	}
	addr, stop, err := scantest.DockerRegistry(ts.MkAbs(".registry-"+args[0]), o)
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv(args[0], addr)
}

// missing ends a script that needs what this machine lacks: see package need.
func missing(ts *testscript.TestScript, what string) {
	if need.Current() != need.Plain {
		ts.Fatalf("needs %s, which .ci/run demands", what)
	}
	ts.Value(testKey{}).(testscript.T).Skip("needs " + what + ": .ci/run installs it and runs this test")
}

// testKey is the key of the script's testscript.T among the values of its Env.
type testKey struct{}

// push ARCHIVE REFERENCE
func cmdPush(ts *testscript.TestScript, _ bool, args []string) {
	img, err := tarball.ImageFromPath(ts.MkAbs(args[0]), nil)
	ts.Check(err)
	ts.Check(crane.Push(img, args[1], crane.Insecure))
}

// pushindex REFERENCE STORY=OS/ARCH...
func cmdPushIndex(ts *testscript.TestScript, _ bool, args []string) {
	ref, err := name.ParseReference(args[0], name.Insecure)
	ts.Check(err)
	var imgs []v1.Image
	for _, a := range args[1:] {
		story, platform, _ := strings.Cut(a, "=")
		im, err := scantest.Parse([]byte(storyText(ts, story)))
		ts.Check(err)
		im.OS, im.Architecture, _ = strings.Cut(platform, "/")
		img, err := im.Build()
		ts.Check(err)
		imgs = append(imgs, img)
	}
	idx, err := scantest.Index(imgs...)
	ts.Check(err)
	ts.Check(remote.WriteIndex(ref, idx))
}

// code N COMMAND ARG...: runs a command, which must end with exit code N. What
// it wrote is there for stdout and stderr, as after exec.
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// gzip FILE OUT
func cmdGzip(ts *testscript.TestScript, _ bool, args []string) {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, err := zw.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(zw.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), buf.Bytes(), 0o644))
}

// truncate FILE BYTES
func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// clean FOLDER: nothing may lie in it, also no hidden file.
func cmdClean(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		ts.Fatalf("%s was left in %s", e.Name(), args[0])
	}
}

// reportOf is what these tests read of a json report.
type reportOf struct {
	Targets []struct {
		Verdict  string
		Findings []map[string]any
	}
}

func readReportOf(ts *testscript.TestScript, name string) (r reportOf) {
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &r))
	return r
}

// findings A B: two reports have the same verdicts and findings.
func cmdFindings(ts *testscript.TestScript, _ bool, args []string) {
	a, b := readReportOf(ts, args[0]), readReportOf(ts, args[1])
	if len(a.Targets) == 0 || len(a.Targets[0].Findings) == 0 {
		ts.Fatalf("%s has no findings to compare", args[0])
	}
	if diff := cmp.Diff(a, b); diff != "" {
		ts.Fatalf("%s and %s differ:\n%s", args[0], args[1], diff)
	}
}

// waive REPORT FLAG...: interdict waives the first finding of a report.
func cmdWaive(ts *testscript.TestScript, _ bool, args []string) {
	r := readReportOf(ts, args[0])
	id := r.Targets[0].Findings[0]["id"].(string)
	ts.Check(ts.Exec("interdict", append([]string{"waive", args[0], id}, args[1:]...)...))
}

// explainable REPORT: interdict explains the first finding; its words are there
// for stdout.
func cmdExplainable(ts *testscript.TestScript, _ bool, args []string) {
	r := readReportOf(ts, args[0])
	ts.Check(ts.Exec("interdict", "explain", args[0], r.Targets[0].Findings[0]["id"].(string)))
}
