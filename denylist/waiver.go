package denylist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// WaiversFormat is the version of the format of waiver files, the value of
// their field "waivers".
const WaiversFormat = 1

// Waiver says that somebody answers for findings until a day: they stay in
// every report, and do not decide the outcome. A finding is waived when all
// selectors that are set match it; at least one besides Regime is.
type Waiver struct {
	Finding string `yaml:"finding,omitempty"` // Finding.ID
	Vendor  string `yaml:"vendor,omitempty"`  // Vendor.ID
	// Regime waives that regime's ruling alone; without it, all rulings are.
	Regime string `yaml:"regime,omitempty"`
	// PURL is that of the finding's component; "*" stands for any text.
	PURL string `yaml:"purl,omitempty"`
	// Path matches each occurrence of the finding: "*" and "?" stand for text and
	// a character without a slash, "**" for any text.
	Path string `yaml:"path,omitempty"`
	// Digest is that of the image or file that was looked at, or of each of the
	// finding's files: "sha256:...".
	Digest string `yaml:"digest,omitempty"`

	Reason   string `yaml:"reason"`
	Approver string `yaml:"approver"`
	Expires  Date   `yaml:"expires"` // its last day
}

// waiversDocument is a file's top level.
type waiversDocument struct {
	Format  int      `yaml:"waivers"`
	Entries []Waiver `yaml:"entries"`
}

// ParseWaivers reads a file of waivers in YAML (see
// schema/waivers.schema.json). Name is what errors call the input. It refuses
// unknown fields, and waivers without a selector, reason, approver or day; its
// error is then a [*ParseError].
func ParseWaivers(r io.Reader, name string) ([]Waiver, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading waivers %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, &ParseError{name, []Problem{{Severity: SeverityError, Line: 1, Message: fmt.Sprintf("it has more than %d MiB", maxFile>>20)}}}
	}
	var doc waiversDocument
	var tree yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	err = d.Decode(&doc)
	more := d.Decode(new(yaml.Node))
	switch {
	case errors.Is(err, io.EOF):
		err = errors.New(`it is empty: a waiver file begins with "waivers: 1"`)
	case err == nil && !errors.Is(more, io.EOF):
		err = errors.New("it has more than one YAML document")
	case err == nil:
		err = yaml.Unmarshal(data, &tree)
	}
	if err != nil {
		return nil, &ParseError{name, yamlProblems(err)}
	}
	check := checker{tree: &tree}
	if doc.Format != WaiversFormat {
		check.add(fmt.Sprintf("format %d is not known", doc.Format), fmt.Sprintf(`write "waivers: %d"`, WaiversFormat), "waivers")
	}
	for i, w := range doc.Entries {
		for _, p := range w.problems() {
			check.add(p[0], p[1], "entries", i)
		}
	}
	if check.problems != nil {
		return nil, &ParseError{name, check.problems}
	}
	return doc.Entries, nil
}

// problems are what makes a waiver unusable, each with a hint.
func (w *Waiver) problems() (out [][2]string) {
	if w.Finding == "" && w.Vendor == "" && w.PURL == "" && w.Path == "" && w.Digest == "" {
		out = append(out, [2]string{"it selects nothing", "set finding, vendor, purl, path or digest"})
	}
	for name, v := range map[string]string{"purl": w.PURL, "path": w.Path} {
		if v != "" && strings.Trim(v, "*?/") == "" {
			out = append(out, [2]string{name + " matches everything", "name what is waived"})
		}
	}
	if w.Digest != "" && !strings.Contains(w.Digest, ":") {
		out = append(out, [2]string{"digest has no algorithm", `write "sha256:..."`})
	}
	if strings.TrimSpace(w.Reason) == "" {
		out = append(out, [2]string{"it has no reason", "say why: it is read years later"})
	}
	if strings.TrimSpace(w.Approver) == "" {
		out = append(out, [2]string{"it has no approver", "name who answers for it"})
	}
	if w.Expires.IsZero() {
		out = append(out, [2]string{"it has no day on which it expires", `write "expires: 2027-01-31"`})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// Check reports what makes a waiver unusable.
func (w *Waiver) Check() error {
	var errs []error
	for _, p := range w.problems() {
		errs = append(errs, fmt.Errorf("%s (%s)", p[0], p[1]))
	}
	return errors.Join(errs...)
}

// AppendWaiver returns the text of a waiver file with one more entry, comments
// and all that was in it kept. An empty text becomes a new file.
func AppendWaiver(text []byte, w Waiver) ([]byte, error) {
	if err := w.Check(); err != nil {
		return nil, fmt.Errorf("writing a waiver: %w", err)
	}
	var tree, entry yaml.Node
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte("waivers: 1\nentries: []\n")
	} else if _, err := ParseWaivers(bytes.NewReader(text), "waivers"); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("reading waivers: %w", err)
	}
	if err := entry.Encode(w); err != nil {
		return nil, fmt.Errorf("writing a waiver: %w", err)
	}
	root := tree.Content[0]
	entries := field(root, "entries")
	if entries == nil || entries.Kind != yaml.SequenceNode {
		entries = &yaml.Node{Kind: yaml.SequenceNode}
		set(root, "entries", entries)
	}
	entries.Style = 0
	entries.Content = append(entries.Content, &entry)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(&tree); err != nil {
		return nil, fmt.Errorf("writing a waiver: %w", err)
	}
	return out.Bytes(), e.Close()
}

// set puts a field into a mapping, in place of one that is there.
func set(n *yaml.Node, name string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			n.Content[i+1] = value
			return
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
}
