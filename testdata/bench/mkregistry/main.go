// Command mkregistry fills a registry with images to audit.
//
// Usage: go run ./testdata/bench/mkregistry [-tall HOST:PORT] HOST:PORT BASE.tar...
//
//	go run ./testdata/bench/mkregistry -tiny N HOST:PORT
//
// The first makes a fleet: -images in -repositories over the bases, which are
// archives as "docker save" and mkimage write them. Each image has one or two
// small layers of its own, one in twenty of them with a banned product. -tall
// names another registry, which gets one image a base with all layers of the
// fleet over that base: scanning these reads every distinct layer once.
//
// The second makes N images of one tiny layer each, 100 to a repository.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sync/errgroup"
)

func main() {
	var f fleet
	flag.IntVar(&f.images, "images", 200, "images of the fleet")
	flag.IntVar(&f.repositories, "repositories", 20, "repositories of the fleet")
	flag.StringVar(&f.tall, "tall", "", "registry for the images that have every layer once")
	tiny := flag.Int("tiny", 0, "make this many tiny images instead")
	flag.Parse()
	err := fmt.Errorf("want a registry and archives of bases: see the usage in the source")
	switch {
	case *tiny > 0 && flag.NArg() == 1:
		err = pushTiny(flag.Arg(0), *tiny)
	case *tiny == 0 && flag.NArg() > 1:
		f.registry = flag.Arg(0)
		err = f.push(flag.Args()[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// fleet is what a registry of a firm looks like: few bases, many images.
type fleet struct {
	registry, tall       string
	images, repositories int
}

func (f *fleet) push(archives []string) error {
	var own int
	for b, file := range archives {
		base, err := tarball.ImageFromPath(file, nil)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		home := fmt.Sprintf("%s/%s", f.registry, repository(b%f.repositories))
		mounted, err := f.pushBase(home, base)
		if err != nil {
			return fmt.Errorf("pushing %s: %w", file, err)
		}
		tall, n, err := f.pushImages(b, len(archives), base, mounted)
		if err != nil {
			return err
		}
		own += n
		if f.tall == "" {
			continue
		}
		if err := write(fmt.Sprintf("%s/tall:base-%d", f.tall, b), tall); err != nil {
			return err
		}
	}
	fmt.Printf("%d images in %d repositories over %d bases, with %d layers of their own\n", f.images, f.repositories, len(archives), own)
	return nil
}

// pushBase pushes the layers of a base once, and returns them as layers that
// other repositories mount.
func (f *fleet) pushBase(home string, base v1.Image) ([]v1.Layer, error) {
	repo, err := name.NewRepository(home, name.Insecure)
	if err != nil {
		return nil, err
	}
	layers, err := base.Layers()
	if err != nil {
		return nil, err
	}
	var mounted []v1.Layer
	for _, l := range layers {
		if err := remote.WriteLayer(repo, l); err != nil {
			return nil, err
		}
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		mounted = append(mounted, &remote.MountableLayer{Layer: l, Reference: repo.Digest(digest.String())})
	}
	return mounted, nil
}

// pushImages pushes all images over one base, the bases taking turns, and
// returns the one that has all of their layers.
func (f *fleet) pushImages(b, bases int, base v1.Image, mounted []v1.Layer) (tall v1.Image, own int, err error) {
	tall = base
	over, err := remount(base, mounted)
	if err != nil {
		return nil, 0, err
	}
	var g errgroup.Group
	g.SetLimit(8)
	for i := b; i < f.images; i += bases {
		adds, err := ownLayers(i)
		if err != nil {
			return nil, 0, err
		}
		own += len(adds)
		if tall, err = mutate.Append(tall, adds...); err != nil {
			return nil, 0, err
		}
		img, err := mutate.Append(over, adds...)
		if err != nil {
			return nil, 0, err
		}
		at := f.registry + "/" + repository(i%f.repositories)
		g.Go(func() error { return write(fmt.Sprintf("%s:v%d", at, i/f.repositories+1), img) })
	}
	return tall, own, g.Wait()
}

// remount makes the base again, of layers that are mounted.
func remount(base v1.Image, mounted []v1.Layer) (v1.Image, error) {
	cf, err := base.ConfigFile()
	if err != nil {
		return nil, err
	}
	cf = cf.DeepCopy()
	history := cf.History
	cf.History, cf.RootFS.DiffIDs = nil, nil
	img, err := mutate.ConfigFile(empty.Image, cf)
	if err != nil {
		return nil, err
	}
	for i, l := range mounted {
		add := mutate.Addendum{Layer: l}
		if i < len(history) {
			add.History = history[i]
		}
		if img, err = mutate.Append(img, add); err != nil {
			return nil, err
		}
	}
	return img, nil
}

func repository(n int) string {
	return fmt.Sprintf("%s/app-%02d", []string{"shop", "billing", "search", "platform"}[n%4], n)
}

func pushTiny(registry string, n int) error {
	var g errgroup.Group
	g.SetLimit(8)
	for i := range n {
		g.Go(func() error {
			img, err := tinyImage(i)
			if err != nil {
				return err
			}
			return write(fmt.Sprintf("%s/tiny-%d/r%03d:v%d", registry, n, i/100, i%100), img)
		})
	}
	return g.Wait()
}

// transport keeps its connections: the default one keeps two to a host.
var transport = func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	return t
}()

func write(at string, img v1.Image) error {
	ref, err := name.ParseReference(at, name.Insecure)
	if err != nil {
		return err
	}
	if err := remote.Write(ref, img, remote.WithTransport(transport)); err != nil {
		return fmt.Errorf("pushing %s: %w", at, err)
	}
	return nil
}
