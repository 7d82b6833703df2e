package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/source"
)

// attachFlags are the flags of attach.
type attachFlags struct {
	scanFlags
	signFlags
	bom     string
	file    bool
	replace bool
}

func newAttach() *cobra.Command {
	var f attachFlags
	cmd := &cobra.Command{
		Use:   "attach IMAGE",
		Short: "Attach the bill of materials and the verdict to an image, signed",
		Long: `attach scans an image in a registry, or takes a stored bill of materials
(--sbom), and attaches it to the image: to the manifest of each platform, and to
the index as well. With --key or --sign it attaches two signed statements too,
the bill of materials and the verdict, as Sigstore bundles that cosign and
admission policies read. The same bytes are never pushed twice, and a push that
fails leaves nothing behind as far as the registry allows it.

Signing by identity notes the whole statement's digest in the public transparency
log, which is sent the statement to do so: with --tlog-upload=false and
--timestamp-server-url nothing but a digest leaves the house.

A key signs the same statement to the same bytes. A key management service and
an identity do not: use --replace with them.

With --file it writes FILE.cdx.json and FILE.sigstore.json beside a file.

Exit codes: as scan's. What is denied is attached all the same.`,
		Example: `  interdict attach ghcr.io/example/app:1.0 --key cosign.key
  interdict attach ghcr.io/example/app:1.0 --sbom bom.json --sign
  interdict attach --file dist/app.exe --key env://RELEASE_KEY`,
		Args: exactArgs(1, "an image"),
		RunE: func(cmd *cobra.Command, args []string) error { return runAttach(cmd, args[0], &f) },
	}
	fl := cmd.Flags()
	f.judgeFlags.add(fl)
	f.scanFlags.addLooking(fl)
	f.signFlags.add(fl)
	fl.StringVar(&f.specVersion, "spec-version", "1.6", "CycloneDX specification, 1.4 to 1.7")
	fl.StringVar(&f.bom, "sbom", "", "attach this bill of materials (CycloneDX, JSON) in place of a scan")
	fl.BoolVar(&f.file, "file", false, "the target is a file: write beside it what would be attached")
	fl.BoolVar(&f.replace, "replace", false, "take away what interdict attached before")
	return cmd
}

// attaching is what one run of attach shares.
type attaching struct {
	cmd    *cobra.Command
	flags  *attachFlags
	judge  *judging
	scan   *scanning
	signer *attest.Signer
	report *report.Report
}

func runAttach(cmd *cobra.Command, target string, f *attachFlags) error {
	f.color = "never"
	if _, err := f.outputs(report.Formats()); err != nil { // checks --spec-version
		return err
	}
	a := &attaching{cmd: cmd, flags: f}
	var err error
	if a.signer, err = f.signer(cmd); err != nil {
		return err
	}
	f.reach = registryFlags{insecure: f.insecure, ca: f.ca}
	if a.judge, err = f.judge(cmd.Context(), cmd.ErrOrStderr()); err != nil {
		return err
	}
	if a.scan, err = newScanner(cmd, &f.scanFlags, a.judge); err != nil {
		return err
	}
	defer a.scan.close()
	a.report = a.judge.newReport()
	if f.file {
		err = a.beside(cmd.Context(), target)
	} else {
		err = a.remote(cmd.Context(), target)
	}
	if err != nil {
		return err
	}
	return f.exit(a.report, 0)
}

// beside writes the documents of a file.
func (a *attaching) beside(ctx context.Context, path string) error {
	path = strings.TrimPrefix(path, "file:")
	srcs, err := source.Open(ctx, "file:"+path, a.scan.source)
	if err != nil {
		return err
	}
	defer closeAll(srcs)
	rs, err := a.releases(ctx, path, srcs)
	if err != nil {
		return err
	}
	r := rs[0]
	files := map[string][]byte{path + ".cdx.json": append(r.bom, '\n'), path + bundleSuffix: nil}
	if a.signer != nil {
		st := r.statements([]attest.Subject{attest.NewSubject(baseName(path), r.target.Digest)})[1]
		if files[path+bundleSuffix], err = a.signer.Sign(ctx, st); err != nil {
			return err
		}
	}
	if err := writeFiles(files); err != nil {
		return err
	}
	for _, name := range []string{path + ".cdx.json", path + bundleSuffix} {
		if files[name] != nil {
			fmt.Fprintln(a.cmd.OutOrStdout(), "wrote", printable(name))
		}
	}
	return nil
}

// remote attaches to an image in a registry.
func (a *attaching) remote(ctx context.Context, target string) error {
	ref, err := imageReference(a.scan.source.Client, target)
	if err != nil {
		return err
	}
	opt := a.scan.source
	if len(opt.Platforms) == 0 {
		opt.Platforms = []string{"all"}
	}
	srcs, err := source.Open(ctx, "registry:"+strings.TrimPrefix(target, "registry:"), opt)
	if err != nil {
		return err
	}
	defer closeAll(srcs)
	rs, err := a.releases(ctx, target, srcs)
	if err != nil {
		return err
	}
	repo := attachRepository(a.scan.source.Client, ref.Context())
	targets, err := a.targets(ctx, repo, ref.Context().Name(), rs)
	if err != nil {
		return err
	}
	res, err := repo.Push(ctx, targets, attach.PushOptions{Replace: a.flags.replace})
	if err != nil {
		return fmt.Errorf("attaching to %s: %w", target, err)
	}
	for _, p := range res.Pushed {
		state := "attached"
		if !p.New {
			state = "there already"
		}
		fmt.Fprintf(a.cmd.OutOrStdout(), "%s: %s %s to %s\n", state, p.Name, p.Manifest, p.Subject)
	}
	for _, k := range res.Kept {
		fmt.Fprintf(a.cmd.ErrOrStderr(), "warning: the registry did not delete the older %s\n", k)
	}
	return nil
}

// releases looks at each source, or finds the one that the given bill of
// materials is of, and judges it.
func (a *attaching) releases(ctx context.Context, target string, srcs []scanner.Source) (rs []*release, err error) {
	var document []byte
	if a.flags.bom != "" {
		var inv *sbom.Inventory
		if document, inv, err = readDocument(a.flags.bom); err != nil {
			return nil, err
		}
		src, err := belongs(inv, srcs)
		if err != nil {
			return nil, fmt.Errorf("attaching %s: %w", a.flags.bom, err)
		}
		sub := src.Subject()
		inv.Subject.IndexedBy, inv.Subject.Created = sub.IndexedBy, sub.Created
		a.report.Targets = append(a.report.Targets, report.Target{Target: target, Digest: sub.Digest, Platform: sub.Platform,
			Inventory: inv, Verdict: a.judge.verdict(a.report, inv)})
	} else {
		for _, src := range srcs {
			if err := a.scan.one(ctx, target, src, a.report); err != nil {
				return nil, err
			}
		}
	}
	for _, t := range a.report.Targets {
		r, err := a.judge.newRelease(t, document, a.flags.specVersion)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// belongs finds the source that a bill of materials is of.
func belongs(inv *sbom.Inventory, srcs []scanner.Source) (scanner.Source, error) {
	if inv.Subject.Digest == "" && len(srcs) == 1 {
		return srcs[0], nil // a document of another tool need not say
	}
	var have []string
	for _, s := range srcs {
		if s.Subject().Digest == inv.Subject.Digest {
			return s, nil
		}
		have = append(have, s.Subject().Digest)
	}
	is := inv.Subject.Digest
	if is == "" {
		return nil, usage("choose one with --platform", "it does not say of which of these it is: %s", strings.Join(have, ", "))
	}
	return nil, hinted{fmt.Errorf("it is of %s, and not of %s", is, strings.Join(have, ", ")), "scan the image that it shall be attached to", exitError}
}

// targets are the manifests to attach to, and what.
func (a *attaching) targets(ctx context.Context, repo *attach.Repository, name string, rs []*release) ([]attach.Target, error) {
	var targets []attach.Target
	index := map[string]int{}
	for _, r := range rs {
		digests := []string{r.target.Digest}
		if by := r.target.Inventory.Subject.IndexedBy; by != "" {
			digests = append(digests, by)
		}
		arts, err := a.artifacts(ctx, name, digests, r)
		if err != nil {
			return nil, err
		}
		for _, d := range digests {
			i, ok := index[d]
			if !ok {
				desc, err := repo.Resolve(ctx, d)
				if err != nil {
					return nil, fmt.Errorf("reading the manifest %s: %w", d, err)
				}
				i = len(targets)
				index[d] = i
				targets = append(targets, attach.Target{Subject: v1.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size}})
			}
			targets[i].Artifacts = append(targets[i].Artifacts, arts...)
		}
	}
	return targets, nil
}

// artifacts are the documents of one image: the plain one first and the verdict
// last, so that nothing is vouched for before it is there.
func (a *attaching) artifacts(ctx context.Context, name string, digests []string, r *release) ([]attach.Artifact, error) {
	arts := []attach.Artifact{{Type: bomType, Name: "bom.cdx.json", Data: r.bom, Annotations: a.judge.annotations(r, "")}}
	if a.signer == nil {
		return arts, nil
	}
	var subjects []attest.Subject
	for _, d := range digests {
		subjects = append(subjects, attest.NewSubject(name, d))
	}
	names := []string{"bom" + bundleSuffix, "verdict" + bundleSuffix}
	for i, st := range r.statements(subjects) {
		b, err := a.signer.Sign(ctx, st)
		if err != nil {
			return nil, err
		}
		arts = append(arts, attach.Artifact{Type: attest.BundleType, Name: names[i], Data: b, Annotations: a.judge.annotations(r, st.PredicateType)})
	}
	return arts, nil
}

const bundleSuffix = ".sigstore.json"

// readDocument reads a CycloneDX document in JSON, as bytes and as an
// inventory.
func readDocument(path string) ([]byte, *sbom.Inventory, error) {
	data, err := readLimited(path, attach.MaxDocument)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a bill of materials: %w", err)
	}
	inv, err := decodeBOM(path, data)
	return data, inv, err
}

// imageReference reads the name of an image in a registry.
func imageReference(client *registry.Client, target string) (name.Reference, error) {
	rest := strings.TrimPrefix(target, "registry:")
	if rest == target {
		for _, scheme := range []string{"docker:", "podman:", "docker-archive:", "oci-archive:", "oci-dir:", "rootfs:", "dir:", "file:"} {
			if strings.HasPrefix(target, scheme) {
				return nil, usage("push it first, and name it HOST/REPOSITORY:TAG", "%s is not in a registry", target)
			}
		}
	}
	return client.ParseReference(strings.TrimPrefix(rest, "//"))
}

func attachRepository(client *registry.Client, repo name.Repository) *attach.Repository {
	return attach.New(repo, attach.Options{Transport: client.Transport(), Keychain: client.Keychain()})
}

func closeAll(srcs []scanner.Source) error {
	var errs []error
	for _, s := range srcs {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
