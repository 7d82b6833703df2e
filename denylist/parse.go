package denylist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Format is the version of the file format, the value of its field "denylist".
const Format = 1

// maxFile bounds a denylist file, in bytes. The embedded one has about 150 kB.
const maxFile = 16 << 20

// document is a file's top level.
type document struct {
	Format  int      `yaml:"denylist"`
	Name    string   `yaml:"name,omitempty"`
	Version string   `yaml:"version,omitempty"`
	Regimes []Regime `yaml:"regimes,omitempty"`
	Vendors []Vendor `yaml:"vendors,omitempty"`
}

// Problem is something wrong, or doubtful, in a list.
type Problem struct {
	Severity Severity
	Line     int    // in the file; 0 when not known
	Where    string // "vendors[2].rules[5].values" in a file, "kaspersky/names" in a list
	Message  string
	Hint     string
}

// Severity is how bad a Problem is.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // the list cannot be used, or a rule has no effect
	SeverityWarning Severity = "warning" // it is likely a mistake
	SeverityNote    Severity = "note"    // worth knowing
)

// String is "line 12: message (hint)".
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// ParseError tells all that is wrong in one file.
type ParseError struct {
	Name     string // of the file
	Problems []Problem
}

// Error has one line for each problem: "name:12: message (hint)".
func (e *ParseError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		line := p.Line
		p.Line = 0
		lines[i] = fmt.Sprintf("%s:%d: %s", e.Name, line, p)
	}
	return strings.Join(lines, "\n")
}

// Parse reads a denylist in YAML (see schema/denylist.schema.json). Name is
// what errors call the input. It refuses unknown fields and anything that it
// does not understand; its error is then a [*ParseError], which gives for each
// problem the line and a hint. Whether vendors and rules that are named
// elsewhere in the list exist is not checked here, for they may be in the list
// that this one is merged over: see [Lint].
func Parse(r io.Reader, name string) (*List, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading denylist %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, &ParseError{name, []Problem{{Severity: SeverityError, Line: 1, Message: fmt.Sprintf("it has more than %d MiB", maxFile>>20)}}}
	}
	var doc document
	var tree yaml.Node
	if problems := decode(data, &doc, &tree); problems != nil {
		return nil, &ParseError{name, problems}
	}
	prune(reflect.ValueOf(&doc).Elem())
	l := &List{Name: doc.Name, Version: doc.Version, Regimes: doc.Regimes, Vendors: doc.Vendors}
	if l.Name == "" {
		l.Name = name
	}
	l.qualify()
	check := checker{tree: &tree}
	check.document(&doc)
	if check.problems != nil {
		return nil, &ParseError{name, check.problems}
	}
	l.index = sync.OnceValue(func() *index { return compile(l) })
	return l, nil
}

// decode reads the one document of data, strictly, and as a tree for the lines.
func decode(data []byte, doc *document, tree *yaml.Node) []Problem {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(doc); err != nil {
		if errors.Is(err, io.EOF) {
			return []Problem{{Severity: SeverityError, Line: 1, Message: "it is empty", Hint: `a denylist begins with "denylist: 1"`}}
		}
		return yamlProblems(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return []Problem{{Severity: SeverityError, Line: 1, Message: "it has more than one YAML document", Hint: `remove the "---" in the middle`}}
	}
	if err := yaml.Unmarshal(data, tree); err != nil {
		return yamlProblems(err)
	}
	if doc.Format != Format {
		return []Problem{{Severity: SeverityError, Line: 1, Where: "denylist", Message: fmt.Sprintf("format %d is not known", doc.Format), Hint: fmt.Sprintf(`write "denylist: %d"`, Format)}}
	}
	return nil
}

var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	yamlUnknown = regexp.MustCompile(`^field (\S+) not found in type denylist\.(\w+)$`)
	yamlType    = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.+)$")
)

// yamlProblems rewrites errors of package yaml, which speak of Go's types.
func yamlProblems(err error) []Problem {
	lines := []string{err.Error()}
	var te *yaml.TypeError
	if errors.As(err, &te) {
		lines = te.Errors
	}
	var ps []Problem
	for _, text := range lines {
		p := Problem{Severity: SeverityError, Line: 1, Message: strings.TrimPrefix(text, "yaml: ")}
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Message = m[2]
		}
		if m := yamlUnknown.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("there is no field %q here", m[1])
			if near := nearest(m[1], fieldsOf(m[2])); near != "" {
				p.Hint = fmt.Sprintf("did you mean %q?", near)
			} else {
				p.Hint = "it has: " + strings.Join(fieldsOf(m[2]), ", ")
			}
		} else if m := yamlType.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("%s is not what belongs here", describe(m[1], m[2]))
			p.Hint = "expected " + expected(m[3])
		}
		ps = append(ps, p)
	}
	return ps
}

func describe(tag, value string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a set of fields"
	}
	return strconv.Quote(value)
}

func expected(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return `a list: "[a, b]", or lines that begin with "- "`
	case goType == "bool":
		return "true or false"
	case goType == "int":
		return "a number"
	case strings.HasPrefix(goType, "denylist.") && !strings.HasPrefix(goType, "denylist.Match"):
		return `fields: "name: value"`
	}
	return "text"
}

// prune replaces empty lists and maps by nil, so that "none" has one form.
func prune(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Date]() {
			return
		}
		for i := range v.NumField() {
			prune(v.Field(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			prune(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			prune(v.Index(i))
		}
		if v.Len() == 0 && v.CanSet() {
			v.SetZero()
		}
	case reflect.Map:
		if v.Len() == 0 && v.CanSet() {
			v.SetZero()
		}
	}
}

// qualify makes rule IDs unique in the list: "vendor/name".
func (l *List) qualify() {
	for i := range l.Vendors {
		v := &l.Vendors[i]
		for j := range v.Rules {
			r := &v.Rules[j]
			r.ID = v.ID + "/" + r.ID
			for k, id := range r.Requires.Rules {
				if !strings.Contains(id, "/") {
					r.Requires.Rules[k] = v.ID + "/" + id
				}
			}
		}
	}
}

// Encode writes the list as YAML that Parse reads back to an equal list.
func (l *List) Encode(w io.Writer) error {
	doc := document{Format: Format, Name: l.Name, Version: l.Version, Regimes: l.Regimes, Vendors: make([]Vendor, len(l.Vendors))}
	for i, v := range l.Vendors {
		rules := make([]Rule, len(v.Rules))
		for j, r := range v.Rules {
			r.ID = strings.TrimPrefix(r.ID, v.ID+"/")
			rules[j] = r
		}
		v.Rules = rules
		doc.Vendors[i] = v
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return fmt.Errorf("writing denylist: %w", err)
	}
	return e.Close()
}
