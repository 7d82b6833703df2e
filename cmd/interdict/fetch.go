package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/source"
)

// fetchFlags are the flags of fetch.
type fetchFlags struct {
	trustFlags
	registryFlags
	platforms []string
	dir       string
	bom       string
}

func newFetch() *cobra.Command {
	var f fetchFlags
	cmd := &cobra.Command{
		Use:   "fetch IMAGE",
		Short: "List and download the bills of materials and verdicts of an image",
		Long: `fetch lists what is attached to an image, by interdict and by others: referrers,
what cosign keeps under tags, what BuildKit writes into the index. It says which
bill of materials counts (*) and why. With --key or --certificate-identity it
checks the signatures.`,
		Example: `  interdict fetch ghcr.io/example/app:1.0
  interdict fetch ghcr.io/example/app:1.0 --key cosign.pub --sbom bom.json
  interdict fetch ghcr.io/example/app:1.0 --output-dir attached`,
		Args: exactArgs(1, "an image"),
		RunE: func(cmd *cobra.Command, args []string) error { return runFetch(cmd, args[0], &f) },
	}
	fl := cmd.Flags()
	f.trustFlags.add(fl)
	f.registryFlags.add(fl)
	fl.StringSliceVar(&f.platforms, "platform", nil, `platform of an image, os/arch[/variant], or "all" (repeatable)`)
	fl.StringVar(&f.dir, "output-dir", "", "folder to write all documents to")
	fl.StringVar(&f.bom, "sbom", "", `file for the bill of materials that counts ("-" for stdout)`)
	return cmd
}

func runFetch(cmd *cobra.Command, target string, f *fetchFlags) error {
	ctx := cmd.Context()
	trust, err := f.verifier(cmd)
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
	if f.bom != "" && len(subjects) > 1 {
		return usage("choose one with --platform", "--sbom is one file, and the image has %d platforms", len(subjects))
	}
	for _, s := range subjects {
		docs, err := listAttached(ctx, s)
		if err != nil {
			return err
		}
		signers := checkAll(ctx, trust, s, docs)
		best, why := attach.Choose(docs, func(d *attach.Document) bool { return signers[d.Digest] != "" })
		if f.bom != "-" {
			if err := showAll(cmd, s, docs, signers, best, why); err != nil {
				return err
			}
		}
		if trust != nil && f.bom != "" && best >= 0 && signers[docs[best].Digest] == "" {
			return hinted{fmt.Errorf("nobody who is trusted vouches for a bill of materials of %s", s.digest), "do without --key and --certificate-identity to take one that anybody may have attached", exitError}
		}
		if err := f.download(ctx, cmd, s, docs, best, len(subjects) > 1); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetchFlags) subjects(ctx context.Context, client *registry.Client, target string) ([]subject, error) {
	ref, err := imageReference(client, target)
	if err != nil {
		return nil, err
	}
	srcs, err := source.Open(ctx, "registry:"+ref.String(), source.Options{Platforms: f.platforms, Client: client})
	if err != nil {
		return nil, err
	}
	defer closeAll(srcs)
	var out []subject
	for _, src := range srcs {
		sub := src.Subject()
		out = append(out, subject{name: target, digest: sub.Digest, index: sub.IndexedBy, platform: sub.Platform,
			repo: attachRepository(client, ref.Context())})
	}
	return out, nil
}

// listAttached lists what is attached to the image and to its index, each
// document once.
func listAttached(ctx context.Context, s subject) ([]attach.Document, error) {
	docs, err := s.repo.List(ctx, s.digest, s.index)
	if err != nil || s.index == "" {
		return docs, err
	}
	more, err := s.repo.List(ctx, s.index, "")
	for _, d := range more {
		about := d.Annotations[attach.AnnotationImage]
		if about != "" && about != s.digest || slices.ContainsFunc(docs, func(x attach.Document) bool { return x.Digest == d.Digest }) {
			continue
		}
		docs = append(docs, d)
	}
	return docs, err
}

// checkAll returns who vouches for each document, by digest; nil if nobody was
// asked.
func checkAll(ctx context.Context, trust *attest.Verifier, s subject, docs []attach.Document) map[string]string {
	if trust == nil {
		return nil
	}
	signers := map[string]string{}
	var size int64
	for _, d := range docs {
		if size += max(d.Size, 0); d.Err != nil || !isStatement(d) || size > maxAttached {
			continue
		}
		// Of what is attached to the index, only what is said of this image.
		v, err := verifyDocument(ctx, trust, s, d)
		if e := (&evidence{}); err == nil && (d.Subject == s.digest || e.take(v, s) == nil && len(e.others) == 0) {
			signers[d.Digest] = v.Signer
		}
	}
	return signers
}

func showAll(cmd *cobra.Command, s subject, docs []attach.Document, signers map[string]string, best int, why string) error {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s %s\n", printable(s.describe()), s.digest)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i, d := range docs {
		mark := " "
		if i == best {
			mark = "*"
		}
		if d.Err != nil {
			fmt.Fprintf(tw, "%s %s\t%s\t%s\n", mark, d.Form, d.Manifest, "cannot be read: "+printable(d.Err.Error()))
			continue
		}
		kind := d.PredicateType
		if kind == "" {
			kind = d.MediaType
		}
		by := signers[d.Digest]
		switch {
		case by != "":
			by = "signed by " + by
		case isStatement(d) && signers == nil:
			by = "signature not checked"
		case isStatement(d):
			by = "not signed by who is trusted"
		default:
			by = "not signed"
		}
		if d.Subject != s.digest {
			by += ", of the index"
		}
		fmt.Fprintf(tw, "%s %s\t%s\t%s\t%s\t%s\n", mark, d.Form, d.Digest, size(d.Size), printable(kind), printable(by))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "* "+why)
	return nil
}

// download writes what was asked for.
func (f *fetchFlags) download(ctx context.Context, cmd *cobra.Command, s subject, docs []attach.Document, best int, many bool) error {
	files := map[string][]byte{}
	if f.dir != "" {
		dir := f.dir
		if many {
			dir = filepath.Join(dir, strings.ReplaceAll(s.platform, "/", "-"))
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the folder: %w", err)
		}
		var size int64
		for _, d := range docs {
			if d.Err != nil {
				continue
			}
			if size += max(d.Size, 0); size > maxAttached {
				return errAttached
			}
			data, err := s.repo.Fetch(ctx, d)
			if err != nil {
				return err
			}
			path := filepath.Join(dir, fileName(d))
			if _, taken := files[path]; taken {
				path = filepath.Join(dir, d.Digest[7:19]+"-"+fileName(d))
			}
			files[path] = data
		}
	}
	if f.bom != "" {
		if best < 0 {
			return hinted{fmt.Errorf("no bill of materials is attached to %s", s.digest), "attach one: interdict attach " + s.name, exitError}
		}
		data, err := contents(ctx, s, docs[best])
		if err != nil {
			return err
		}
		if f.bom == "-" {
			_, err = cmd.OutOrStdout().Write(append(data, '\n'))
			return err
		}
		files[f.bom] = append(data, '\n')
	}
	return writeFiles(files)
}

// contents is the bill of materials of a document: itself, or what its
// statement says.
func contents(ctx context.Context, s subject, d attach.Document) ([]byte, error) {
	data, err := s.repo.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	switch {
	case d.MediaType == "application/vnd.dsse.envelope.v1+json":
		if data, err = attest.FromEnvelope(data); err != nil {
			return nil, err
		}
		fallthrough
	case isStatement(d):
		st, err := attest.Unverified(data)
		if err != nil {
			return nil, err
		}
		return st.Predicate, nil
	case d.MediaType == attest.PayloadType:
		st, err := attest.ParseStatement(data)
		if err != nil {
			return nil, err
		}
		return st.Predicate, nil
	}
	return attest.Document(data), nil
}

// fileName is a safe name for a document: its own, if that is plain.
func fileName(d attach.Document) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return -1
	}, d.Name)
	if plain == d.Name && plain != "" && !strings.HasPrefix(plain, ".") && len(plain) <= 100 {
		return plain
	}
	return string(d.Form) + "-" + d.Digest[7:19] + ".json"
}
