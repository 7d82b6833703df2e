// Package report writes verdicts for people and for programs: one typed
// Report, and one sink for each format.
package report

import (
	"errors"
	"io"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// SchemaVersion is the version of the json format. The minor number grows when
// fields are added, the major one when a field changes or goes.
const SchemaVersion = "1.0"

// Report is the result of one run. Its sinks only read it.
type Report struct {
	SchemaVersion string // SchemaVersion when empty
	Tool          sbom.Tool
	List          denylist.ListID
	AsOf          denylist.Date
	// Regimes are those that were asked, with their law and duties; the sinks
	// for people print them. Sorted by ID.
	Regimes []denylist.Regime
	Created time.Time // UTC; zero means not stated
	Targets []Target  // in the order given by the user
}

// Target is the result of one target and platform.
type Target struct {
	Target    string // as the user wrote it
	Digest    string // of the manifest or file; empty for a folder
	Platform  string // "os/arch[/variant]"; empty when it has none
	Inventory *sbom.Inventory
	Verdict   denylist.Verdict
	// Error tells why there is no verdict. Inventory is then nil or partial.
	Error string
}

// Format names a sink.
type Format string

// The formats.
const (
	Table         Format = "table"
	JSON          Format = "json"
	CycloneDXJSON Format = "cyclonedx-json"
	CycloneDXXML  Format = "cyclonedx-xml"
	SARIF         Format = "sarif"
	JUnit         Format = "junit"
	GitLab        Format = "gitlab"         // dependency-scanning report
	GitLabQuality Format = "gitlab-quality" // code-quality report
	CSV           Format = "csv"
	Markdown      Format = "markdown"
	HTML          Format = "html"
	Template      Format = "template"
)

// Options say how to write. The zero value is good for a file.
type Options struct {
	Width    int    // columns of the terminal, for table; 80 when zero
	Color    bool   // ANSI colours, for table
	Mentions bool   // show findings of level mention
	Template string // text of the Go template, for Template
	// SpecVersion, Pretty and Files are those of cyclonedx.Options; Pretty also
	// indents json, sarif and gitlab.
	SpecVersion string
	Pretty      bool
	Files       bool
}

// Formats returns all formats, in the order they are best listed.
func Formats() []Format {
	return []Format{Table, JSON, CycloneDXJSON, CycloneDXXML, SARIF, JUnit, GitLab, GitLabQuality, CSV, Markdown, HTML, Template}
}

// SingleTarget reports whether a document of the format holds one target
// only: Write returns an error when the report has more. Write one file for
// each target.
func SingleTarget(f Format) bool { return f == CycloneDXJSON || f == CycloneDXXML }

// Write writes the report in one format. Contents of the subject are foreign:
// control characters and markup in them are escaped in each format's own way.
func Write(w io.Writer, f Format, r *Report, opt Options) error {
	return errors.New("writing report: not built yet")
}

// Read reads a report that Write wrote as [JSON]. It has no components beyond
// those of the findings.
func Read(r io.Reader) (*Report, error) {
	return nil, errors.New("reading report: not built yet")
}

// Explain writes why a finding is one: evidence by evidence what was read,
// where, by which rule and from which source, what each regime says, and what
// would change the verdict. ID may be a unique prefix of Finding.ID.
func Explain(w io.Writer, r *Report, id string, opt Options) error {
	return errors.New("explaining finding: not built yet")
}
