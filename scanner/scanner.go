// Package scanner holds the nouns of looking: a Source has Layers, a Layer has
// Files, a Detector reads one File. The packages below it do the work.
package scanner

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/interdict/interdict/sbom"
)

// Source is an opened target. Its methods may be called from many goroutines;
// whoever opened it closes it.
type Source interface {
	// Subject says what it is.
	Subject() sbom.Subject
	// Layers are its layers, bottom first. A folder, a filesystem tarball and a
	// single file have one.
	Layers() []Layer
	Close() error
}

// Streamer is a Source whose layers lie in one stream that is costly to read:
// a compressed archive, the export of a container engine. Each Layer.Open of it
// reads the stream from its start; Stream reads it once for all.
type Streamer interface {
	Source
	// Stream calls fn for the layers in the order in which they come, one after
	// the other. The Layer that fn receives is the one of Layers with index i,
	// but its Open reads on in the stream: it can be called once, and only until
	// fn returns. Of layers with the same bytes only the first is passed. What is
	// not in the stream is not passed: such a layer's own Open says why. An error
	// of fn ends the stream and is returned.
	Stream(ctx context.Context, fn func(i int, l Layer) error) error
}

// Incomplete is a Source of which something was found wrong when it was opened:
// a part that cannot be read, or a second image that other readers take from
// the same bytes. Its layers can be read all the same.
type Incomplete interface {
	Source
	// Gaps are what is wrong with the whole: their Path and Layer are empty.
	Gaps() []sbom.Gap
}

// Layer is one layer of a Source.
type Layer interface {
	// Describe tells what is stated of the layer. A DiffID is a claim of the image's
	// configuration: the bytes may have another.
	Describe() sbom.Layer
	// Open returns the tar as it is stored: plain, gzip or zstd. The reader
	// verifies the stored digest if one is known: reading to the end of bytes
	// that do not have it ends in an error, not in io.EOF. The caller closes it.
	// It returns [ErrAbsent] for a layer that is named but not there.
	Open(context.Context) (io.ReadCloser, error)
}

// Addressed is a Layer of which it is known where its bytes are stored.
type Addressed interface {
	Layer
	// Blob names the stored bytes: layers of one Source with the same name, unless
	// it is empty, have the same bytes. Verified tells that the name is a digest
	// from a manifest whose own digest was checked, in a store that gives out no
	// other bytes for it: what is known of that blob from elsewhere is true of
	// this layer, and it need not be read.
	Blob() (name string, verified bool)
}

// Walker is a Layer that is a tree on disk and not a tar; its Open is not called.
type Walker interface {
	Layer
	// Walk calls fn for every entry in lexical order, parents first. An entry
	// that cannot be read is passed with a non-nil err in place of its contents.
	// An error of fn ends the walk and is returned.
	Walk(ctx context.Context, fn func(e Entry, err error) error) error
	// OpenFile opens a regular file by its Entry.Path. The caller closes it.
	OpenFile(path string) (ReadAtCloser, error)
}

// ReadAtCloser is a file's contents at any offset.
type ReadAtCloser interface {
	io.ReaderAt
	io.Closer
}

// ErrAbsent tells that a layer's bytes are not where the layer is named: a
// foreign (non-distributable) layer, or one that "docker save" left out.
var ErrAbsent = errors.New("layer contents are not included")

// EntryType is the type of an Entry.
type EntryType uint8

// The types of entry. Devices, FIFOs and sockets are Other.
const (
	Regular EntryType = iota
	Dir
	Symlink
	Hardlink // in a tar: Link is the path of another entry of the same layer
	Whiteout // ".wh.NAME": NAME of the layers below is gone (OCI image-spec layer.md, "Whiteouts")
	Opaque   // ".wh..wh..opq": all of the folder's entries of the layers below are gone
	Other
)

// Entry is one name in a layer.
type Entry struct {
	Path    string // absolute, clean, slash-separated: "/usr/bin/env"
	Type    EntryType
	Mode    fs.FileMode // permission bits, setuid, setgid, sticky
	Size    int64       // of a regular file, in bytes
	Link    string      // target of a link, as written; of a Hardlink: absolute and clean
	UID     int
	GID     int
	ModTime time.Time
}

// HeadSize is how many bytes of a file are in File.Head, if it has as many.
const HeadSize = 4096

// TailSize is how many bytes of a file are in File.Tail, if it has as many. The
// end of a zip's directory lies at most 65,557 bytes before the end of the file
// (APPNOTE.TXT, 4.3.16: 22 bytes and a comment of up to 65,535).
const TailSize = 66 << 10

// File is a regular file whose contents can be read now. It is valid only
// until the call that received it returns.
type File struct {
	Path  string // in the form of sbom.Occurrence.Path
	Layer string // diffID, or empty while the layer is still being read
	Size  int64
	Mode  fs.FileMode
	Head  []byte // the first bytes, at most HeadSize; read-only
	// Tail is the last bytes, at most TailSize; read-only. It is nil while Wants
	// is asked for the first time about a file that is larger than HeadSize.
	Tail  []byte
	Depth int // 0 for a file of the layer, 1 for a member of an archive, and so on
	// ReaderAt reads the contents; nil while Wants is asked.
	io.ReaderAt
}

// Detector reads facts from one format of file. Its methods may be called from
// many goroutines; it keeps no state of a file.
type Detector interface {
	// Name is short and lower-case: "pe".
	Name() string
	// Version grows whenever its results may change: cached results of another
	// version are not used.
	Version() int
	// Wants reports whether Detect should see the file. It is called for every
	// file, and looks only at Path, Size, Mode, Head and Tail. When no detector
	// wants a file by its Head, all are asked again once its Tail is known. What
	// it says of a Head alone stays true with a Tail.
	Wants(*File) bool
	// Detect reads the file within its own bounds. Foreign bytes never make it
	// panic. A file that is malformed is a Gap in the Result and no error: an
	// error means that ctx is done or that reading failed.
	Detect(ctx context.Context, f *File) (Result, error)
}

// Result is what a Detector found in one file.
type Result struct {
	// Component is what the file is, or nil. Where its Occurrences or an
	// Evidence's Path, Layer and Detector are empty, the caller fills in the
	// file's. Several detectors may tell of one file: what they say is merged.
	Component *sbom.Component
	// Inside are components inside the file that have no path of their own.
	Inside []sbom.Component
	// Gaps tell what was not examined; an empty Path is the file's.
	Gaps []sbom.Gap
	// Marks are where other files may lie in this one; nil when the Detector did
	// not search all of its bytes.
	Marks *Marks
}

// Marks are the places in a file where the signatures of containers and
// programs were found, whether they are some or not.
type Marks struct {
	Places []Mark
	More   int // places beyond those that are kept
}

// Mark is one signature at one offset. Signatures are numbered by the package
// that searches them.
type Mark struct {
	Offset    int64
	Signature int
}

// Expander is a container of files: an archive, a package, a disk image, a
// single compressed file. It may be a Detector as well.
type Expander interface {
	Name() string
	Version() int
	Wants(*File) bool
	// Expand passes every regular member to v, in the order that costs least.
	// It stops at the first error that v returns, and returns it. It returns
	// nil for what it cannot read and tells v.Gap why.
	Expand(ctx context.Context, f *File, v Visitor) error
}

// Visitor receives the members of a container.
type Visitor interface {
	// Visit hands over one member. It returns [ErrLimit] when a bound of size,
	// count, depth or ratio is reached: the Gap is already noted.
	Visit(ctx context.Context, m Member) error
	// Gap notes what could not be examined. An empty Path is the container's;
	// any other is the path of a member inside it, relative.
	Gap(g sbom.Gap)
}

// Member is one file inside a container.
type Member struct {
	Name string // slash-separated, as written; cleaned by the Visitor
	Size int64  // -1 when not known before reading
	Mode fs.FileMode
	// Contents, read at most once; need not be read to the end by the Visitor.
	Reader io.Reader
	// ReaderAt may be set beside Size, when the member can be read in place; it
	// then takes the place of Reader.
	ReaderAt io.ReaderAt
	// Charged tells that the Expander charges what Reader decompresses (see
	// [Charger]): the members of a compressed stream.
	Charged bool
	// Wrapping tells that the member is no file of its own but what the files
	// are wrapped in, such as the data.tar.xz of a deb: what is inside it has
	// its path directly below the container's.
	Wrapping bool
	// Names gives the files inside a Wrapping their true names, where its own
	// are only keys: those of the cabinet in an MSI.
	Names map[string]string
}

// Charger is a Visitor that counts the bytes which an Expander decompresses by
// itself: to pass over members of a stream, or to read a directory.
type Charger interface {
	Visitor
	// Charge counts n bytes. It returns [ErrLimit] when a bound is reached, and
	// the Expander stops.
	Charge(n int64) error
}

// Claimer is a Visitor that is told which bytes of a container the Expander
// accounts for. All others are searched for files that lie in them. An Expander
// that passes members and claims nothing accounts for all of its container.
type Claimer interface {
	Visitor
	// Claim accounts for the bytes from one offset up to another.
	Claim(from, to int64)
}

// ErrLimit ends an expansion that reached a bound.
var ErrLimit = errors.New("a bound on nested contents was reached")
