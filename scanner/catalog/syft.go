package catalog

import (
	"context"
	"fmt"
	"sync"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/cataloging/pkgcataloging"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/source"
	_ "modernc.org/sqlite" // the database/sql driver that syft's rpm and nix catalogers ask for
)

// syftVersion is the version in go.mod. A test compares them.
const syftVersion = "1.54.1"

// inSyft calls fn once, in a context in which syft's catalogers work: with
// their license scanner, executors and temporary folder. Parts of that context
// have unexported keys, and only CreateSBOM makes it; so fn runs as the one
// cataloger of an empty source. What it does is all our own: which catalogers
// run, over which view, and what becomes of their errors.
//
// The temporary folder is made with os.MkdirTemp in TMPDIR, and is gone when
// inSyft returns.
func inSyft(ctx context.Context, jobs int, fn func(context.Context) error) error {
	d := &driver{fn: fn}
	cfg := (&syft.CreateSBOMConfig{Search: cataloging.DefaultSearchConfig(), Licenses: cataloging.DefaultLicenseConfig()}).
		WithParallelism(max(jobs, 2)). // syft gives 0, 1 and less a meaning of their own
		WithoutFiles().
		WithCatalogers(pkgcataloging.NewCatalogerReference(d, []string{pkgcataloging.ImageTag}))
	values, err := licenseContext()
	if err != nil {
		return err
	}
	_, err = syft.CreateSBOM(joined{ctx, values}, emptySource{}, cfg)
	d.mu.Lock() // a cancelled CreateSBOM returns while fn still runs
	defer d.mu.Unlock()
	d.over = true
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("setting up syft: %w", err)
	}
	return d.err
}

// Prepare begins to build in the background what [Components] needs whatever it
// catalogs, and waits for: syft's license scanner. Call it when there is
// something else to do before Components, which needs no such call.
func Prepare() { go func() { _, _ = licenseContext() }() }

// licenseContext carries syft's license scanner. It takes more than half a
// second to build and is read-only, so there is one a process.
var licenseContext = sync.OnceValues(func() (context.Context, error) {
	ctx, err := syft.SetContextLicenseScanner(context.Background(), cataloging.DefaultLicenseConfig())
	if err != nil {
		return nil, fmt.Errorf("building the license scanner: %w", err)
	}
	return ctx, nil
})

// joined has the life of one context and the values of both.
type joined struct {
	context.Context
	values context.Context
}

func (j joined) Value(k any) any {
	if v := j.Context.Value(k); v != nil {
		return v
	}
	return j.values.Value(k)
}

type driver struct {
	fn   func(context.Context) error
	mu   sync.Mutex
	over bool
	err  error
}

func (d *driver) Name() string { return "interdict" }

func (d *driver) Catalog(ctx context.Context, _ file.Resolver) ([]pkg.Package, []artifact.Relationship, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.err = d.fn(ctx)
	}
	return nil, nil, nil
}

// emptySource is a source with nothing in it.
type emptySource struct{}

func (emptySource) ID() artifact.ID { return "interdict" }
func (emptySource) Close() error    { return nil }

func (emptySource) FileResolver(source.Scope) (file.Resolver, error) { return &recorder{}, nil }

func (emptySource) Describe() source.Description {
	return source.Description{ID: "interdict", Name: "interdict", Metadata: source.ImageMetadata{}}
}
