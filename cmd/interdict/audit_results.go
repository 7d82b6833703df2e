package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

func newAuditResults() *cobra.Command {
	var db databaseFlags
	var filter filterFlags
	var outs []string
	var by string
	var findings bool
	cmd := &cobra.Command{
		Use:   "results",
		Short: "List what audits found: images, findings, or counts",
		Long: `results lists the images that the filters select, with --findings the findings
in them, and with --by counts of them.`,
		Example: `  interdict audit results --verdict deny
  interdict audit results --findings --new
  interdict audit results --by team -o csv=teams.csv`,
		Args: exactArgs(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if by != "" && (findings || !oneOf(by, "vendor", "regime", "repository", "team")) {
				return usage("it takes vendor, regime, repository or team, and not --findings", "unknown --by %q", by)
			}
			return db.read(cmd, outs, []string{"table", "json", "csv"}, func(ctx context.Context, s *store.Store, w io.Writer, format string) error {
				f, err := filter.filter(ctx, s)
				switch {
				case err != nil:
					return err
				case by != "":
					return writeCounts(ctx, w, s, store.Group(by), f, format)
				case format == "table" && findings:
					return tableOfFindings(ctx, w, s, f)
				case format == "table":
					return tableOfImages(ctx, w, s, f)
				case findings:
					return export.Findings(ctx, w, s, f, export.Format(format))
				}
				return export.Images(ctx, w, s, f, export.Format(format))
			})
		},
	}
	fl := cmd.Flags()
	db.add(fl)
	filter.add(fl)
	fl.StringVar(&by, "by", "", "count by vendor, regime, repository or team")
	fl.BoolVar(&findings, "findings", false, "list findings instead of images")
	fl.StringArrayVarP(&outs, "output", "o", nil, "table, json or csv, with =FILE to write a file (repeatable)")
	return cmd
}

func oneOf(s string, of ...string) bool {
	for _, o := range of {
		if s == o {
			return true
		}
	}
	return false
}

func writeCounts(ctx context.Context, w io.Writer, s *store.Store, by store.Group, f store.Filter, format string) error {
	counts, err := s.By(ctx, by, f)
	if err != nil {
		return err
	}
	if format != "table" {
		return export.Counts(w, string(by), counts, export.Format(format))
	}
	t := newTable(w, strings.ToUpper(string(by)), "IMAGES", "DENIED", "REVIEW", "FINDINGS", "FIRST SEEN")
	for _, c := range counts {
		t.row(titleOf(c), c.Images, c.Deny, c.Review, c.Findings, dayOf(c.FirstSeen))
	}
	return t.Flush()
}

func titleOf(c store.Count) string {
	switch {
	case c.Name == "":
		return "(none)"
	case c.Title == "" || c.Title == c.Name:
		return c.Name
	}
	title := []rune(c.Title)
	if len(title) > 50 {
		title = append(title[:47], []rune("...")...)
	}
	return c.Name + " (" + string(title) + ")"
}

func tableOfImages(ctx context.Context, w io.Writer, s *store.Store, f store.Filter) error {
	t := newTable(w, "VERDICT", "IMAGE", "PLATFORM", "DENIED", "REVIEW", "TEAM", "FIRST SEEN", "NOTE")
	err := eachPage(f, func(f store.Filter) (string, error) {
		page, next, err := s.Images(ctx, f)
		for _, i := range page {
			t.row(verdictWord(i), imageName(i.Repository, i.Digest, i.Tags), i.Platform, i.Denied, i.Review, i.Team, dayOf(i.FirstSeen), note(i))
		}
		return next, err
	})
	return errors.Join(err, t.Flush())
}

func tableOfFindings(ctx context.Context, w io.Writer, s *store.Store, f store.Filter) error {
	t := newTable(w, "LEVEL", "VENDOR", "COMPONENT", "PATH", "IMAGE", "FIRST SEEN", "FINDING")
	err := eachPage(f, func(f store.Filter) (string, error) {
		page, next, err := s.Findings(ctx, f)
		for _, o := range page {
			level := string(o.Level)
			if o.Waived {
				level = "waived"
			}
			t.row(level, o.Vendor, componentName(o), o.Path,
				imageName(o.Repository, o.Digest, o.Tags), dayOf(o.FirstSeen), o.ID)
		}
		return next, err
	})
	return errors.Join(err, t.Flush())
}

// componentName names the component of a finding. That of the image itself has
// the name of the first place where it was seen.
func componentName(f store.Finding) string {
	if f.Component.Type == "container" {
		return "the image itself"
	}
	return strings.TrimSpace(f.Component.Name + " " + f.Component.Version)
}

// eachPage reads all pages that a filter selects.
func eachPage(f store.Filter, read func(store.Filter) (next string, err error)) error {
	for f.Limit = 500; ; {
		next, err := read(f)
		if err != nil || next == "" {
			return err
		}
		f.After = next
	}
}

func verdictWord(i store.Image) string {
	switch {
	case i.State == store.Failed:
		return "FAILED"
	case i.Verdict == "":
		return "WAITING"
	}
	return strings.ToUpper(string(i.Verdict))
}

func note(i store.Image) string {
	switch {
	case i.State == store.Failed:
		return reason(i)
	case !i.Gone.IsZero():
		return "gone since " + dayOf(i.Gone)
	}
	return ""
}

// reason is why an image failed, without the image's name.
func reason(i store.Image) string {
	name := i.Repository + "@" + i.Digest + ": "
	return strings.ReplaceAll(strings.TrimPrefix(i.Error, "scanning "+name), name, "")
}

// imageName names an image as people do, and where no tag leads to it by its
// digest.
func imageName(repository, digest string, tags []string) string {
	switch len(tags) {
	case 0:
		return repository + "@" + digest
	case 1:
		return repository + ":" + tags[0]
	}
	return fmt.Sprintf("%s:%s (and %d more)", repository, tags[0], len(tags)-1)
}

// ignoreClosed makes nothing of a reader that has seen enough ("| head").
func ignoreClosed(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

func newAuditExport() *cobra.Command {
	var db databaseFlags
	var filter filterFlags
	var outs []string
	var findings bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all results for other programs",
		Long: `export writes every image that the filters select with its findings, one entry a
manifest digest and repository. Its JSON Schema is
scanner/audit/export/schema/audit.schema.json.`,
		Example: `  interdict audit export -o json=images.json -o csv=images.csv
  interdict audit export --verdict deny -o json | jq -r '.images[].repository'`,
		Args: exactArgs(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return db.read(cmd, outs, []string{"json", "csv", "html"}, func(ctx context.Context, s *store.Store, w io.Writer, format string) error {
				f, err := filter.filter(ctx, s)
				if err != nil {
					return err
				}
				if findings {
					return export.Findings(ctx, w, s, f, export.Format(format))
				}
				return export.Images(ctx, w, s, f, export.Format(format))
			})
		},
	}
	db.add(cmd.Flags())
	filter.add(cmd.Flags())
	cmd.Flags().BoolVar(&findings, "findings", false, "one entry a finding instead of an image")
	cmd.Flags().StringArrayVarP(&outs, "output", "o", nil, "json, csv or html, with =FILE to write a file (repeatable)")
	return cmd
}

func newAuditBOM() *cobra.Command {
	var db databaseFlags
	cmd := &cobra.Command{
		Use:     "bom REPOSITORY@DIGEST",
		Short:   "Write the stored bill of materials of an image",
		Example: `  interdict audit bom registry.example/shop/app@sha256:... | interdict check -`,
		Args:    exactArgs(1, "an image, by its digest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			repository, digest, ok := strings.Cut(args[0], "@")
			if !ok || repository == "" || !strings.HasPrefix(digest, "sha256:") {
				return usage("'interdict audit export' has the digests", "%q is not REPOSITORY@sha256:...", args[0])
			}
			return db.read(cmd, nil, []string{"json"}, func(ctx context.Context, s *store.Store, w io.Writer, _ string) error {
				image, err := s.Image(ctx, repository, digest)
				if errors.Is(err, store.ErrNotFound) {
					return hinted{fmt.Errorf("no audit has seen %s", args[0]), "'interdict audit results --text NAME' finds images", exitError}
				}
				if err != nil {
					return err
				}
				bom, err := s.BOM(ctx, digest)
				if errors.Is(err, store.ErrNotFound) {
					return hinted{fmt.Errorf("%s has no result: it is %s", args[0], image.State), "finish the audit: interdict audit work", exitError}
				}
				if err != nil {
					return err
				}
				_, err = w.Write(bom)
				return err
			})
		},
	}
	db.add(cmd.Flags())
	return cmd
}
