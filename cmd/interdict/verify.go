package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/bundle"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/source"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	judgeFlags
	renderFlags
	trustFlags
	registryFlags
	platforms []string
	bundles   []string
	bom       string
	file      bool
}

func newVerify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify TARGET",
		Short: "Check who vouches for an image or a file, and judge what they say is in it",
		Long: `verify checks the statements that are attached to an image: that who is trusted
signed them, that they are about exactly these bytes, and how old the list was.
It then judges the signed bill of materials by the list in use. What the signed
verdict or this judgement denies is denied; --regime and --as-of choose which
law both answer by.

TARGET is an image in a registry, every platform of it; an OCI layout or an
archive, with --bundle; or a file with FILE.sigstore.json beside it.

With --offline nothing is asked over the network: name the image by digest and
give the statements with --bundle and the bill of materials with --sbom, as
'interdict fetch --output-dir' wrote them.

Exit codes: as scan's; what no trusted key or identity signed is an error.`,
		Example: `  interdict verify ghcr.io/example/app:1.0 --key cosign.pub --max-list-age 90d
  interdict verify ghcr.io/example/app:1.0 --certificate-identity release@example.org --certificate-oidc-issuer https://accounts.google.com
  interdict verify app@sha256:... --offline --key cosign.pub --bundle verdict.sigstore.json --sbom bom.cdx.json
  interdict verify dist/app.exe --key cosign.pub`,
		Args: exactArgs(1, "an image or a file"),
		RunE: func(cmd *cobra.Command, args []string) error { return runVerify(cmd, args[0], &f) },
	}
	fl := cmd.Flags()
	f.judgeFlags.add(fl)
	f.renderFlags.add(fl)
	f.trustFlags.add(fl)
	f.registryFlags.add(fl)
	fl.StringSliceVar(&f.platforms, "platform", []string{"all"}, `platform of an image, os/arch[/variant], or "all" (repeatable)`)
	fl.BoolVar(&f.offline, "offline", false, "ask nothing over the network")
	fl.StringArrayVar(&f.bundles, "bundle", nil, "file of a signed statement, in place of those that are attached (repeatable)")
	fl.StringVar(&f.bom, "sbom", "", "file of the bill of materials that the statements name")
	return cmd
}

// subject is something whose bytes are known by digest.
type subject struct {
	name     string
	digest   string
	index    string
	platform string
	repo     *attach.Repository // nil where nothing is asked
}

func runVerify(cmd *cobra.Command, target string, f *verifyFlags) error {
	ctx := cmd.Context()
	outs, err := f.outputs(report.Formats())
	if err != nil {
		return err
	}
	if err := f.checkOffline(); err != nil {
		return err
	}
	trust, err := f.verifier(cmd)
	if err != nil {
		return err
	}
	if trust == nil {
		return usage("use --key, or --certificate-identity and --certificate-oidc-issuer", "no trusted key or identity was given")
	}
	f.reach, f.builtin = f.registryFlags, true // --max-list-age is about the verdict's list
	j, err := f.judge(ctx, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	client, err := f.client()
	if err != nil {
		return err
	}
	defer client.Close()
	subjects, err := f.subjects(ctx, client, target)
	if err != nil {
		return err
	}
	r := j.newReport()
	code := exitPass
	for _, s := range subjects {
		e, err := f.collect(ctx, trust, s)
		if err != nil {
			return fmt.Errorf("verifying %s: %w", s.describe(), err)
		}
		c, err := f.conclude(cmd, j, s, e, r)
		if err != nil {
			return fmt.Errorf("verifying %s: %w", s.describe(), err)
		}
		code = worse(code, c)
	}
	if len(f.output) > 0 && len(r.Targets) > 0 {
		if err := f.write(cmd, outs, r); err != nil {
			return err
		}
	}
	return asError(code)
}

// checkOffline refuses what would ask over the network all the same.
func (f *verifyFlags) checkOffline() error {
	if !f.offline {
		return nil
	}
	for _, name := range f.denylists {
		if strings.HasPrefix(name, bundle.Scheme) {
			return usage("take it along as a file: interdict denylist pull "+name+" -f list.yaml", "--offline, and %s is in a registry", name)
		}
	}
	for _, key := range []string{f.key, f.listKey} {
		if scheme, _, ok := strings.Cut(key, "://"); ok && scheme != "env" {
			return usage("take the public key along as a file", "--offline, and the key is kept by a service (%s)", scheme)
		}
	}
	return nil
}

func (s subject) describe() string {
	if s.platform == "" {
		return s.name
	}
	return s.name + " (" + s.platform + ")"
}

// subjects finds the digests that the target stands for.
func (f *verifyFlags) subjects(ctx context.Context, client *registry.Client, target string) ([]subject, error) {
	path := strings.TrimPrefix(target, "file:")
	if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() && (len(f.bundles) == 0 || path != target) {
		return f.fileSubject(path)
	}
	if f.offline {
		if ref, err := name.NewDigest(strings.TrimPrefix(target, "registry:")); err == nil {
			return []subject{{name: target, digest: ref.DigestStr()}}, nil
		}
	}
	local := isLocal(target)
	if f.offline && !local {
		return nil, usage("name the image by its digest: "+target+"@sha256:...", "offline nobody knows what %s stands for", target)
	}
	srcs, err := source.Open(ctx, target, source.Options{Platforms: f.platforms, Client: client})
	if err != nil {
		return nil, err
	}
	defer closeAll(srcs)
	var out []subject
	for _, src := range srcs {
		sub := src.Subject()
		s := subject{name: target, digest: sub.Digest, index: sub.IndexedBy, platform: sub.Platform}
		if s.digest == "" {
			return nil, usage("name an image or a file", "%s has no digest that could be signed", target)
		}
		if local {
			err = readWhole(ctx, src)
		} else if ref, rerr := imageReference(client, target); rerr == nil {
			s.repo = attachRepository(client, ref.Context())
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func isLocal(target string) bool {
	for _, scheme := range []string{"docker-archive:", "oci-archive:", "oci-dir:"} {
		if strings.HasPrefix(target, scheme) {
			return true
		}
	}
	_, err := os.Stat(target)
	return err == nil
}

// readWhole reads all layers of a local image: its bytes must be those that its
// manifest names.
func readWhole(ctx context.Context, src scanner.Source) error {
	for _, l := range src.Layers() {
		rc, err := l.Open(ctx)
		if errors.Is(err, scanner.ErrAbsent) {
			continue
		}
		if err == nil {
			_, err = io.Copy(io.Discard, rc)
			rc.Close()
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", src.Subject().Name, err)
		}
	}
	return nil
}

// fileSubject is a file with its documents beside it.
func (f *verifyFlags) fileSubject(path string) ([]subject, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(f.bundles) == 0 {
		f.bundles = []string{path + bundleSuffix}
	}
	if _, err := os.Stat(path + ".cdx.json"); err == nil && f.bom == "" {
		f.bom = path + ".cdx.json"
	}
	f.file = true
	return []subject{{name: path, digest: "sha256:" + hex.EncodeToString(h.Sum(nil))}}, nil
}

func baseName(path string) string { return filepath.Base(path) }

// conclude tells what was verified, judges the bill of materials, and returns
// the exit code.
func (f *verifyFlags) conclude(cmd *cobra.Command, j *judging, s subject, e *evidence, r *report.Report) (int, error) {
	if err := f.checkAge(e); err != nil {
		return 0, err
	}
	w := cmd.OutOrStdout()
	say := func(label, format string, args ...any) {
		if len(f.output) == 0 {
			fmt.Fprintf(w, "  %-12s %s\n", label, printable(fmt.Sprintf(format, args...)))
		}
	}
	if len(f.output) == 0 {
		fmt.Fprintf(w, "%s %s\n", printable(s.describe()), s.digest)
	}
	code := exitPass
	if v := e.verdict; v != nil {
		say("vouched by", "%s", e.verdictBy)
		say("verdict", "%s by %s %s as of %s (%d denied, %d for review)", strings.ToUpper(v.Outcome), v.Denylist.Name, v.Denylist.Version, v.AsOf, v.Counts.Denied, v.Counts.Review)
		code = f.signedCode(v)
	}
	if len(e.contents) == 0 {
		say("contents", "not at hand: the signed verdict counts")
		if open := f.unanswered(j, e.verdict); open != "" {
			say("unanswered", "it does not judge %s; the bill of materials would tell: --sbom FILE", open)
			code = worse(code, exitIncomplete)
		}
		return code, nil
	}
	for _, c := range e.contents {
		say("contents", "%s %s", attest.Digest(c.document), c.by)
		t := report.Target{Target: s.name, Digest: s.digest, Platform: s.platform, Inventory: c.inventory, Verdict: j.verdict(r, c.inventory)}
		r.Targets = append(r.Targets, t)
		say("judged now", "%s by %s %s as of %s", strings.ToUpper(string(t.Verdict.Outcome)), t.Verdict.List.Name, t.Verdict.List.Version, t.Verdict.AsOf)
		code = worse(code, exitOf(f.failOn, false, t.Verdict.Outcome))
	}
	return code, nil
}

// unanswered is the law that is asked for and that a signed verdict does not
// answer; empty if it answers all.
func (f *verifyFlags) unanswered(j *judging, v *attest.Verdict) string {
	if f.asOf != "" && f.asOf != v.AsOf {
		return "as of " + f.asOf
	}
	var open []string
	for _, asked := range j.regimes {
		if !slices.ContainsFunc(v.Regimes, func(r attest.VerdictRegime) bool { return r.ID == asked.ID }) {
			open = append(open, asked.ID)
		}
	}
	return strings.Join(open, ", ")
}

// signedCode is the answer of the signed verdict to the law that was asked for.
// Where it does not answer to that, it says nothing.
func (f *verifyFlags) signedCode(v *attest.Verdict) int {
	if f.asOf != "" && f.asOf != v.AsOf {
		return exitPass
	}
	// Statements of before the outcome review say pass or incomplete in its place.
	denied, review := v.Outcome == string(denylist.Deny), v.Counts.Review > 0
	if len(f.regimes) > 0 {
		denied, review = false, false
		for _, r := range v.Regimes {
			if slices.Contains(f.regimes, r.ID) {
				denied, review = denied || r.Denied > 0, review || r.Review > 0
			}
		}
	}
	outcome := denylist.Pass
	switch {
	case denied:
		outcome = denylist.Deny
	case v.Outcome == string(denylist.Incomplete), !v.Coverage.Complete:
		outcome = denylist.Incomplete
	case review:
		outcome = denylist.NeedsReview
	}
	return exitOf(f.failOn, false, outcome)
}
