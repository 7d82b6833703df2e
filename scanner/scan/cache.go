package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/interdict/interdict/scanner/internal/lru"
)

// cacheFormat grows when the form of cached results changes.
const cacheFormat = "3"

// DefaultCacheSize is how large a cache may grow before its oldest results go.
const DefaultCacheSize = 10 << 30

// Cache keeps results in a folder: of each layer by its diffID, of the packages
// of each layer by the diffIDs up to it, and of each image by its ID and all
// diffIDs; always together with the versions of everything that made them. The
// diffIDs are those that were computed when the layers were read, and are kept
// by the digests of the blobs. No name that an image states of itself selects a
// result. It may be used by many
// goroutines and processes at once: results appear whole or not at all.
type Cache struct {
	dir    string
	max    int64
	remote Remote
	memory *lru.Cache[string, any] // decoded results; nil for none
	added  *atomic.Int64           // bytes put since it was last pruned
}

// OpenCache uses a folder, and makes it if need be. Max is the size in bytes
// that it is kept below; zero means [DefaultCacheSize].
func OpenCache(dir string, max int64) (*Cache, error) {
	if max <= 0 {
		max = DefaultCacheSize
	}
	for _, kind := range []string{"blobs", "layers", "packages", "inventories"} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o700); err != nil {
			return nil, fmt.Errorf("making the cache folder: %w", err)
		}
	}
	c := &Cache{dir: dir, max: max, added: new(atomic.Int64)}
	c.added.Store(max) // nobody knows what others added
	return c, nil
}

// Remote is a place of results that many machines share. Its methods may be
// called from many goroutines.
type Remote interface {
	// ReadBlob writes all of a blob to w, and reports whether there is one.
	ReadBlob(ctx context.Context, name string, w io.Writer) (bool, error)
	// WriteBlob keeps a blob, whole or not at all.
	WriteBlob(ctx context.Context, name string, r io.Reader) error
}

// WithRemote returns a cache in the same folder that also asks r for the
// results of layers that the folder lacks, and gives it those that are made
// here. Inventories stay in the folder.
func (c *Cache) WithRemote(r Remote) *Cache {
	with := *c
	with.remote = r
	return &with
}

// shares reports whether results of a kind are the remote's too.
func (c *Cache) shares(kind string) bool { return c.remote != nil && kind != "inventories" }

// DefaultCacheDir is the folder that is used when none is named.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a cache folder: %w", err)
	}
	return filepath.Join(dir, "interdict"), nil
}

func (c *Cache) name(kind, id, key string) string {
	return filepath.Join(c.dir, kind, strings.NewReplacer(":", "-", "/", "-").Replace(id)+"-"+key)
}

// A result ends in the CRC-32C of all before it, big-endian: a disk that lost or
// changed a byte must not change what a scan says. Nothing here withstands
// somebody who may write to the folder.
const checksumSize = crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("a result in the cache is damaged; it is made again")

// result is a stored result without its checksum.
type result struct {
	*os.File
	size int64
}

// open opens a result and marks it as used. Nil means that there is none, nor
// a remote one. A damaged one is removed, and an error.
func (c *Cache) open(ctx context.Context, kind, id, key string) (*result, error) {
	res, err := c.openLocal(kind, id, key)
	if res != nil || !c.shares(kind) {
		return res, err
	}
	if ok, rerr := c.fetch(ctx, kind, id, key); !ok {
		return nil, errors.Join(err, rerr)
	}
	return c.openLocal(kind, id, key)
}

// fetch brings a result from the remote into the folder.
func (c *Cache) fetch(ctx context.Context, kind, id, key string) (ok bool, err error) {
	err = c.place(kind, id, key, func(f *os.File) error {
		if ok, err = c.remote.ReadBlob(ctx, c.blobName(kind, id, key), f); err == nil && !ok {
			err = fs.ErrNotExist
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the shared cache: %w", err)
	}
	return true, nil
}

// blobName is a result's name in the remote.
func (c *Cache) blobName(kind, id, key string) string {
	return kind + "/" + filepath.Base(c.name(kind, id, key))
}

func (c *Cache) openLocal(kind, id, key string) (*result, error) {
	name := c.name(kind, id, key)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	size, err := checked(f)
	if err != nil {
		f.Close()
		_ = os.Remove(name) // it is replaced anyway
		return nil, err
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // only the order of pruning depends on it
	return &result{f, size}, nil
}

// checked reads all of a result and returns its size. The file is at its start
// again.
func checked(f *os.File) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading the cache: %w", err)
	}
	size := fi.Size() - checksumSize
	if size < 0 {
		return 0, errDamaged
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.LimitReader(f, size)); err != nil {
		return 0, fmt.Errorf("reading the cache: %w", err)
	}
	var want [checksumSize]byte
	if _, err := f.ReadAt(want[:], size); err != nil || !bytes.Equal(want[:], sum.Sum(nil)) {
		return 0, errDamaged
	}
	_, err = f.Seek(0, io.SeekStart)
	return size, err
}

// put writes a result whole or not at all, and to the remote as well.
func (c *Cache) put(ctx context.Context, kind, id, key string, write func(io.Writer) error) error {
	err := c.place(kind, id, key, func(f *os.File) error {
		sum := crc32.New(castagnoli)
		if err := write(io.MultiWriter(f, sum)); err != nil {
			return err
		}
		_, err := f.Write(sum.Sum(nil))
		return err
	})
	if err != nil || !c.shares(kind) {
		return err
	}
	f, err := os.Open(c.name(kind, id, key))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.remote.WriteBlob(ctx, c.blobName(kind, id, key), f); err != nil {
		return fmt.Errorf("writing to the shared cache: %w", err)
	}
	return nil
}

// place makes the file of a result, which appears when write is done.
func (c *Cache) place(kind, id, key string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Join(c.dir, kind), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	err = write(f)
	if size, serr := f.Seek(0, io.SeekEnd); serr == nil {
		c.added.Add(size)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), c.name(kind, id, key))
}

// tidy prunes the cache when enough was added since the last time: to look at
// every result for each that is added would cost more with each.
func (c *Cache) tidy() error {
	if added := c.added.Load(); added <= c.max/64 || !c.added.CompareAndSwap(added, 0) {
		return nil
	}
	return c.Prune()
}

// Prune removes the results that were not used for longest, until the cache is
// smaller than its size.
func (c *Cache) Prune() error {
	type stored struct {
		name string
		size int64
		used time.Time
	}
	var all []stored
	var total int64
	err := filepath.WalkDir(c.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		fi, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // somebody else pruned it
		}
		if err != nil {
			return err
		}
		all = append(all, stored{name, fi.Size(), fi.ModTime()})
		total += fi.Size()
		return nil
	})
	if err != nil {
		return fmt.Errorf("pruning the cache: %w", err)
	}
	slices.SortFunc(all, func(a, b stored) int { return a.used.Compare(b.used) })
	for _, r := range all {
		if total <= c.max {
			break
		}
		if err := os.Remove(r.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("pruning the cache: %w", err)
		}
		total -= r.size
	}
	return nil
}
