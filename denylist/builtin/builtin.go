// Package builtin carries the denylist that interdict is built with: a file
// for the regimes and one for each vendor.
//
// Every rule names its source and says whether it was checked against it.
// What is not checked is in the list to be found and looked at: it never
// decides by itself. It is not legal advice.
package builtin

import (
	"embed"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
)

//go:embed regimes.yaml vendors/*.yaml
var files embed.FS

// List returns the embedded list. It is read once, and shared: do not change it.
func List() *denylist.List { return list() }

var list = sync.OnceValue(func() *denylist.List {
	l, err := load(files)
	if err != nil {
		panic("the embedded denylist is broken, which its tests exclude: " + err.Error())
	}
	return l
})

// load merges the files: the regimes first, then the vendors by name. It reads
// several at once: every command waits for the list.
func load(fsys fs.FS) (*denylist.List, error) {
	names, err := fs.Glob(fsys, "vendors/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing vendors: %w", err)
	}
	names = append([]string{"regimes.yaml"}, names...)
	parts := make([]*denylist.List, len(names))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		g.Go(func() (err error) {
			parts[i], err = parse(fsys, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return denylist.Join(parts[0], parts[1:]...), nil
}

func parse(fsys fs.FS, name string) (*denylist.List, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	return denylist.Parse(f, name)
}
