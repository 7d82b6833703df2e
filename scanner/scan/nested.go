package scan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/catalog"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/interdict/interdict/scanner/source"
)

// nested is a Detector that names the packages of a root filesystem, of a layer
// of an image, or of a project inside an archive: by the package databases and
// lock files in it, as they would be named once it is unpacked. It is asked for
// archives at any depth, so that of "docker save" in a folder it sees each
// layer. All else in them the other detectors find member by member.
type nested struct {
	store *layer.Spool // set before the first call of Detect
	temp  string
	gzips sync.Pool // of *gzip.Reader
}

// Name is "nested".
func (*nested) Name() string { return "nested" }

// Version is raised whenever other packages may come out of the same bytes.
func (*nested) Version() int { return 1 }

// otherReaders are archives that are packages themselves: a detector or a
// cataloger of their own says what is in them.
var otherReaders = regexp.MustCompile(`(?i)\.(jar|war|ear|sar|par|jpi|hpi|kar|lpkg|nar|aar|apk|xapk|apks|aab|whl|egg|nupkg|snupkg|vsix|xpi|crx|gem|crate|docx|xlsx|pptx|odt|ods|odp)$`)

// Wants reports whether the file is an archive of another kind than those.
func (*nested) Wants(f *scanner.File) bool {
	return source.IsArchive(f) && !otherReaders.MatchString(f.Path)
}

// license is a file that catalogers read beside a package, and that tells of
// none by itself.
var license = regexp.MustCompile(`(?i)^((un|mit-)?licen[sc]e|copying|notice|readme|version)`)

func wantsInside(f *scanner.File) bool {
	return !license.MatchString(path.Base(f.Path)) && catalog.Folder.Wants(f)
}

// Detect catalogs what is in the archive.
func (n *nested) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	var res scanner.Result
	if n.onlyCompressed(f) {
		return res, nil
	}
	src, err := source.Inside(ctx, f, source.InsideOptions{Wants: wantsInside, TempDir: n.temp})
	if src == nil || err != nil {
		return res, err
	}
	defer src.Close()
	ix, err := layer.Read(ctx, src.Layers()[0], layer.Options{Store: n.store, Jobs: 1,
		Wants: catalog.Folder.Wants,
		Visit: func(_ context.Context, m *scanner.File) (bool, error) { return catalog.Folder.Keep(m), nil }})
	if err != nil {
		return res, err
	}
	defer ix.Close()
	found, err := catalog.Components(ctx, []*layer.Index{ix}, catalog.Options{Kind: catalog.Folder, Jobs: 1})
	if err != nil {
		return res, err
	}
	for i := range found.Components {
		if c := &found.Components[i]; c.Type != sbom.OperatingSystem {
			res.Inside = append(res.Inside, placedInside(f, *c))
		}
	}
	if s, ok := src.(scanner.Incomplete); ok {
		res.Gaps = append(res.Gaps, s.Gaps()...)
	}
	for _, g := range found.Gaps {
		g.Path, g.Layer = insidePath(f, g.Path), ""
		res.Gaps = append(res.Gaps, g)
	}
	return res, nil
}

// onlyCompressed reports whether the first bytes of a gzip file show that there
// is no tar in it. An image has thousands of those: manual pages.
func (n *nested) onlyCompressed(f *scanner.File) bool {
	if !bytes.HasPrefix(f.Head, []byte{0x1f, 0x8b}) {
		return false
	}
	z, ok := n.gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer n.gzips.Put(z)
	if z.Reset(bytes.NewReader(f.Head)) != nil {
		return false
	}
	var head [512]byte
	got, err := io.ReadFull(z, head[:])
	whole := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && int64(len(f.Head)) == f.Size
	return (err == nil || whole) && !source.IsArchive(&scanner.File{Head: head[:got]})
}

// insidePath is the path of a member of an archive.
func insidePath(f *scanner.File, p string) string {
	return f.Path + "!" + path.Clean("/"+strings.ReplaceAll(p, "!/", "!_/"))
}

// placedInside gives a component its place in the archive. What it depends on is
// not carried over: references count within one catalog.
func placedInside(f *scanner.File, c sbom.Component) sbom.Component {
	c.Ref = "inside:" + sbom.Fingerprint(f.Path, c.Ref, c.PURL) + sbom.Fingerprint(c.PURL, c.Ref, f.Path)
	c.DependsOn, c.Contains = nil, nil
	for i := range c.Occurrences {
		c.Occurrences[i].Path, c.Occurrences[i].Layer = insidePath(f, c.Occurrences[i].Path), ""
	}
	for i := range c.Evidence {
		if e := &c.Evidence[i]; e.Path != "" {
			e.Path, e.Layer = insidePath(f, e.Path), ""
		}
	}
	return c
}

var _ scanner.Detector = (*nested)(nil)
