// Package sbom holds the nouns of what was found: an Inventory of components,
// each with the evidence that it is there and the places where it occurs.
//
// The package knows nothing of laws or vendors and nothing of how things are
// found. It imports only the standard library. A value is plain data: safe to
// read from many goroutines, not safe to write while it is read.
package sbom

import "time"

// Inventory is everything that one look at one subject found. It is the only
// input of a judgement: what a verdict needs is in here, and survives encoding
// (see sbom/cyclonedx).
//
// The zero value is an inventory of nothing. Call [Inventory.Normalize] once
// all is added and before encoding or judging.
type Inventory struct {
	Subject    Subject
	Tool       Tool
	Created    time.Time // UTC, from the caller's clock or SOURCE_DATE_EPOCH; zero means not stated
	Layers     []Layer   // bottom first; one layer with an empty DiffID for a folder or a file
	Components []Component
	Coverage   Coverage
	// Foreign names the tool that made the document this inventory was decoded
	// from, when that was not interdict: such a document lacks the evidence of
	// binaries. Empty for our own.
	Foreign string
}

// Tool is the program that looked.
type Tool struct {
	Name    string
	Version string
	// Detectors are the detectors that ran, as "name@version", sorted.
	Detectors []string
	// Watched are the fingerprints (see Watch) of the patterns that were looked
	// for in paths and contents, sorted. A rule whose fingerprint is absent
	// cannot be judged from this inventory.
	Watched []string
}

// SubjectKind says what was looked at.
type SubjectKind string

// The kinds of subject.
const (
	Image     SubjectKind = "image"
	Directory SubjectKind = "directory"
	RootFS    SubjectKind = "rootfs" // a filesystem tarball, as of "docker export"
	Binary    SubjectKind = "file"
	// Collection is several subjects in one inventory, see [Merge].
	Collection SubjectKind = "collection"
)

// Subject is what was looked at.
type Subject struct {
	Kind      SubjectKind
	Name      string // the user's words for it, without scheme
	Digest    string // manifest digest ("sha256:..."); for a file its SHA-256; empty for a folder
	ImageID   string // config digest of an image
	IndexedBy string // digest of the image index that led here, if any
	Platform  string // "os/arch[/variant]" of an image
	PURL      string
	Labels    map[string]string
	Tags      []string
	Created   time.Time // the image's own creation time
	// Evidence is about the subject itself: environment, entrypoint, labels,
	// history lines, reference.
	Evidence []Evidence
}

// Layer is one layer of an image. Sizes are in bytes.
type Layer struct {
	DiffID    string // digest of the uncompressed tar (OCI image-spec config.md, "Layer DiffID")
	Digest    string // digest of the blob as stored, compressed or not
	ChainID   string // OCI image-spec config.md, "Layer ChainID"
	MediaType string
	Size      int64  // of the blob as stored
	CreatedBy string // the history line that made it
}

// ComponentType is CycloneDX's component type (specification 1.6,
// component.type): "library", "application", "operating-system", "file",
// "device-driver", "container", "firmware", "framework", "platform".
type ComponentType string

// The component types that interdict writes.
const (
	Library         ComponentType = "library"
	Application     ComponentType = "application"
	Framework       ComponentType = "framework"
	OperatingSystem ComponentType = "operating-system"
	FileType        ComponentType = "file"
	DeviceDriver    ComponentType = "device-driver"
	Container       ComponentType = "container"
	Platform        ComponentType = "platform"
	Firmware        ComponentType = "firmware"
	Model           ComponentType = "machine-learning-model"
	Data            ComponentType = "data"
	// Service is a service that the subject calls (CycloneDX "services"). The
	// specification has no component of that type.
	Service ComponentType = "service"
)

// Component is one piece of software that is in the subject.
type Component struct {
	Ref          string // unique in the inventory and stable from run to run; Normalize fills it when empty
	Type         ComponentType
	Group        string
	Name         string
	Version      string
	PURL         string // https://github.com/package-url/purl-spec
	CPEs         []string
	Licenses     []License
	Hashes       []Hash
	Supplier     string   // who supplied it, from metadata; never a guess
	Publisher    string   // who published it
	Manufacturer string   // who made it (CycloneDX manufacturer)
	Authors      []string // persons or organisations, as written
	Copyright    string
	Description  string
	References   []Reference
	FoundBy      string // the cataloger or detector that named it
	Language     string
	// Scope says whether it is there to run (CycloneDX component.scope). Empty
	// means that it is there.
	Scope Scope

	Occurrences []Occurrence
	Evidence    []Evidence
	Properties  []Property

	DependsOn []string // refs of components that it needs
	Contains  []string // refs of components inside it (an archive's members, an embedded engine)
}

// Scope is CycloneDX's scope of a component (specification 1.6, component.scope).
type Scope string

// The scopes. Interdict itself writes Excluded alone: a lock file or a list of
// requirements declares the package, and it was not seen installed.
const (
	Required Scope = "required"
	Optional Scope = "optional"
	Excluded Scope = "excluded"
)

// License is a licence as found. One of ID, Expression and Name is set.
type License struct {
	ID         string // SPDX identifier
	Expression string // SPDX expression
	Name       string // anything else
	URL        string
	Declared   bool // stated by the package's own metadata, not concluded from a text
}

// Hash is a digest of a component's bytes.
type Hash struct {
	Algorithm string // CycloneDX spelling: "SHA-256", "SHA-1", "MD5", "SHA-512"
	Value     string // lower-case hexadecimal
}

// Reference is an address that a component gives of itself.
type Reference struct {
	Type string // CycloneDX externalReference.type: "website", "vcs", "distribution", "issue-tracker", ...
	URL  string
}

// Property is a name and value that has no better field. Names of ours begin
// with "interdict:".
type Property struct {
	Name  string
	Value string
}

// Occurrence is one place where a component is.
type Occurrence struct {
	// Path is absolute and slash-separated. A place inside an archive is
	// written outer!/inner, as deep as it goes: "/opt/a.zip!/bin/b.dll".
	Path string
	// Layer is the diffID of the layer that brought it; empty for a folder.
	Layer string
	// Hidden tells that a later layer removed or replaced it: it is not in the
	// final filesystem, but it ships with the image.
	Hidden bool
	// Digest is the SHA-256 of the file, "sha256:...", if it was taken.
	Digest string
}

// Evidence is one fact read from the subject that tells something of a
// component's identity. It is a fact and not a judgement: rules of a denylist
// say what it means.
type Evidence struct {
	Kind  Kind
	Value string // as found, valid UTF-8, at most [MaxValue] bytes
	Path  string // the file it was read from, in the form of Occurrence.Path
	Layer string // diffID of that file's layer
	// Format is that of the file which the evidence names, for [Filename] and
	// [Path]; empty where it is not known, and for other kinds.
	Format FileFormat
	// Where says where in the file: a field, a table or an offset, for people:
	// "VersionInfo 040904B0", "export directory", "certificate 2, nested".
	// Nothing depends on it.
	Where    string
	Detector string // "name@version"
	// Count tells how often it occurs, for kinds that count (a family of
	// symbols). Zero means once.
	Count int
	// Group ties facts that only together say something, such as the symbols
	// of one file. Empty for most.
	Group string
}

// MaxValue is the longest evidence value in bytes. Longer ones are cut at a
// character boundary.
const MaxValue = 4096

// Coverage says how much was examined, and what was not.
type Coverage struct {
	FilesSeen     int64 // regular files in all layers, and members of containers
	FilesExamined int64 // those that at least one detector or cataloger read
	BytesSeen     int64 // size of the regular files
	Gaps          []Gap
}

// Reason is why something was not examined.
type Reason string

// The reasons. All but [Malformed] make a passing verdict incomplete: nobody
// looked inside. A malformed file was read as bytes, and is no program of the
// kind that its first bytes promise.
const (
	Unreadable   Reason = "unreadable"  // permission, I/O error
	Truncated    Reason = "truncated"   // it ends before its own header says
	Encrypted    Reason = "encrypted"   // contents need a key
	Unsupported  Reason = "unsupported" // a container format or compression that no detector reads
	Limit        Reason = "limit"       // a bound on size, count, depth or ratio was reached
	Absent       Reason = "absent"      // named but not there: a foreign layer, a missing blob
	Failed       Reason = "failed"      // a detector or cataloger failed on it
	Ambiguous    Reason = "ambiguous"   // other readers take another image from the same bytes
	NotEvaluated Reason = "not-looked"  // a rule that this inventory was not made to answer
	Unparsed     Reason = "unparsed"    // a manifest or package database that may name packages which no reader could make out
	Malformed    Reason = "malformed"   // not what its first bytes promise; noted only
)

// Gap is one thing that was not examined.
type Gap struct {
	Path     string // as Occurrence.Path; empty for a whole layer or the subject
	Layer    string // diffID, or digest when the diffID is not known
	Reason   Reason
	Detail   string
	Detector string // which detector or cataloger, "name@version"; empty when none is at fault
}

// Complete reports whether nothing of weight was left out.
func (c Coverage) Complete() bool {
	for _, g := range c.Gaps {
		if g.Reason != Malformed {
			return false
		}
	}
	return true
}

// IsPlainFile reports whether a component says no more than that a file is there. An
// image has tens of thousands of those: documents leave them out unless asked.
func (c *Component) IsPlainFile() bool {
	return c.Type == FileType && len(c.Evidence) == 0 && c.PURL == "" && len(c.CPEs) == 0 &&
		c.Supplier == "" && c.Publisher == "" && c.Manufacturer == "" && len(c.Authors) == 0 && len(c.Contains) == 0
}
