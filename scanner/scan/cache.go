package scan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
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

	"github.com/klauspost/compress/zstd"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/catalog"
	"github.com/interdict/interdict/scanner/detect"
	"github.com/interdict/interdict/scanner/layer"
)

// cacheFormat grows when the form of cached results changes.
const cacheFormat = "2"

// DefaultCacheSize is how large a cache may grow before its oldest results go.
const DefaultCacheSize = 10 << 30

// Cache keeps results in a folder: of each layer by its diffID, of the packages
// of each layer by its chainID, and of each image by its ID; always together
// with the versions of everything that made them. It may be used by many
// goroutines and processes at once: results appear whole or not at all.
type Cache struct {
	dir    string
	max    int64
	remote Remote
	memory *memory       // nil for none
	added  *atomic.Int64 // bytes put since it was last pruned
}

// OpenCache uses a folder, and makes it if need be. Max is the size in bytes
// that it is kept below; zero means [DefaultCacheSize].
func OpenCache(dir string, max int64) (*Cache, error) {
	if max <= 0 {
		max = DefaultCacheSize
	}
	for _, kind := range []string{"layers", "packages", "inventories"} {
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

// Key identifies everything but the image that Run's results depend on: two
// scans of an image with the same key find the same.
func Key(opt Options) string {
	return key(detect.All(opt.Watch), opt, false)
}

// key names everything but the subject that a layer's results depend on.
func key(detectors *detect.Set, opt Options, walker bool) string {
	h := sha256.New()
	for _, n := range detectors.Names() {
		fmt.Fprintln(h, n)
	}
	fmt.Fprintln(h, cacheFormat, catalog.Version(), opt.Watch.ContentKey(), opt.Files, walker)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// inventoryKey adds what only whole inventories depend on.
func (r *run) inventoryKey() string {
	h := sha256.New()
	fmt.Fprintln(h, r.key, r.opt.Tool.Name, r.opt.Tool.Version)
	if r.opt.Watch != nil {
		for _, f := range r.opt.Watch.Fingerprints {
			fmt.Fprintln(h, f)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// cachedInventory returns the inventory of an image that was looked at before.
// How the image is called, and the clock, are this run's.
func (r *run) cachedInventory(ctx context.Context) (*sbom.Inventory, bool) {
	s := r.src.Subject()
	if r.opt.Cache == nil || s.ImageID == "" || r.opt.LayersOnly {
		return nil, false
	}
	f, err := r.opt.Cache.open(ctx, "inventories", s.ImageID, r.inventoryKey())
	if f == nil {
		r.trouble(err)
		return nil, false
	}
	defer f.Close()
	var inv sbom.Inventory
	if err := readJSON(io.LimitReader(f, f.size), &inv); err != nil {
		r.trouble(fmt.Errorf("reading a cached inventory: %w", err))
		return nil, false
	}
	descs := r.src.Layers()
	if len(descs) != len(inv.Layers) {
		return nil, false
	}
	for i, l := range descs {
		inv.Layers[i] = cachedDescription(inv.Layers[i], l.Describe())
	}
	inv.Subject, inv.Tool, inv.Created = s, r.opt.Tool, r.opt.Created
	inv.Normalize()
	for _, l := range inv.Layers {
		r.opt.observe(Event{Kind: LayerCached, Layer: l.DiffID, N: l.Size})
	}
	return &inv, true
}

// cachedDescription prefers what this image says of a layer: the same layer
// may be stored in another compression elsewhere.
func cachedDescription(was, is sbom.Layer) sbom.Layer {
	if is.Digest == "" {
		is.Digest, is.Size = was.Digest, was.Size
	}
	if is.Size == 0 {
		is.Size = was.Size
	}
	is.DiffID = was.DiffID
	return is
}

// saveInventory keeps an inventory, but not one that lacks a layer: the next
// source of the same image may have it.
func (r *run) saveInventory(ctx context.Context, inv *sbom.Inventory) {
	absent := slices.ContainsFunc(r.layers, func(l *readLayer) bool { return l.index == nil })
	if r.opt.Cache == nil || inv.Subject.ImageID == "" || absent || r.opt.LayersOnly {
		return
	}
	r.trouble(r.opt.Cache.put(ctx, "inventories", inv.Subject.ImageID, r.inventoryKey(), func(w io.Writer) error {
		return writeJSON(w, inv)
	}))
}

// cachedLayer returns a layer that was read before, in this image or another.
func (r *run) cachedLayer(ctx context.Context, desc sbom.Layer) (*readLayer, bool) {
	if r.opt.Cache == nil || desc.DiffID == "" {
		return nil, false
	}
	m, key := r.opt.Cache.memory, desc.DiffID+"-"+r.key
	if v, release, ok := m.get(key); ok {
		return v.(*decodedLayer).lend(r.store, desc, release), true
	}
	f, err := r.opt.Cache.open(ctx, "layers", desc.DiffID, r.key)
	if f == nil {
		r.trouble(err)
		return nil, false
	}
	d, stored, err := decodeLayer(f, desc.DiffID)
	if err != nil {
		f.Close()
		r.trouble(fmt.Errorf("reading a cached layer: %w", err))
		return nil, false
	}
	release := m.put(key, d, d.size(stored), func() { d.index.Close(); f.Close() })
	return d.lend(r.store, desc, release), true
}

// decodeLayer reads a stored layer, and tells how many bytes what was found in
// it takes there.
func decodeLayer(f *result, diffID string) (d *decodedLayer, stored int64, err error) {
	var head [8]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, 0, err
	}
	n := int64(binary.BigEndian.Uint64(head[:]))
	if n < 0 || n > f.size-8 {
		return nil, 0, errors.New("its length is wrong")
	}
	d = &decodedLayer{traces: &traces{}}
	if err := readJSON(io.NewSectionReader(f, 8, n), &d.record); err != nil {
		return nil, 0, err
	}
	if d.index, err = layer.Decode(io.NewSectionReader(f, 8+n, f.size-8-n), f.size-8-n, nil); err != nil {
		return nil, 0, err
	}
	if d.index.DiffID != diffID {
		return nil, 0, errors.New("it is of another layer")
	}
	return d, n, nil
}

func (r *run) saveLayer(ctx context.Context, rl *readLayer) {
	if r.opt.Cache == nil || rl.index.DiffID == "" || r.walker {
		return
	}
	defer r.opt.Cache.memory.delete(rl.index.DiffID + "-" + r.key)
	r.trouble(r.opt.Cache.put(ctx, "layers", rl.index.DiffID, r.key, func(w io.Writer) error {
		var found strings.Builder
		if err := writeJSON(&found, rl.record); err != nil {
			return err
		}
		var head [8]byte
		binary.BigEndian.PutUint64(head[:], uint64(found.Len()))
		if _, err := io.WriteString(w, string(head[:])+found.String()); err != nil {
			return err
		}
		return rl.index.Encode(w)
	}))
}

// trouble tells that the cache could not be used. It never fails a scan.
func (r *run) trouble(err error) {
	if err != nil {
		r.opt.observe(Event{Kind: CacheTrouble, Err: err})
	}
}

func writeJSON(w io.Writer, v any) error {
	zw, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(zw).Encode(v); err != nil {
		zw.Close()
		return err
	}
	return zw.Close()
}

func readJSON(r io.Reader, v any) error {
	zr, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer zr.Close()
	return json.NewDecoder(zr).Decode(v)
}
