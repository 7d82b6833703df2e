package denylist

import "github.com/interdict/interdict/sbom"

// Operator says how a rule's values are compared with the value of an evidence.
type Operator string

// The ways to match. "Fold" means without regard to case. A value is never
// looked for as a bare substring: prefixes and parts end where an element, a
// token or a label ends.
const (
	// Exact compares byte by byte.
	Exact Operator = "exact"
	// ExactFold compares without regard to case.
	ExactFold Operator = "exact-fold"
	// Prefix is the beginning of the value: of a path, the folder and all that
	// is in it.
	Prefix Operator = "prefix"
	// PrefixFold is Prefix without regard to case.
	PrefixFold Operator = "prefix-fold"
	// Suffix is the end of the value, without regard to case: ".ppl".
	Suffix Operator = "suffix-fold"
	// Glob is a pattern of path.Match, without regard to case, for the whole value.
	Glob Operator = "glob-fold"
	// Regex is a regular expression (RE2) for the whole value.
	Regex Operator = "regex"
	// Entity compares names of legal entities after normalising them: whole
	// tokens, without case, punctuation and legal forms. A rule of kind
	// entity_name and this match holds for every kind that carries a name.
	Entity Operator = "entity"
	// Elements is a run of whole path elements anywhere in a path, either
	// separator, without regard to case: "Kaspersky Lab/Endpoint Agent".
	Elements Operator = "elements"
	// Host is a host name or any subdomain of it.
	Host Operator = "host"
	// Image is the repository of an image reference without registry, tag and
	// digest, or its last elements. A value that ends in "*" is a prefix.
	Image Operator = "image"
	// Subject is a set of "K=value" attributes, all of which a distinguished
	// name has: "CN=Example Root,O=Example".
	Subject Operator = "subject"
)

// Rule recognises a vendor's software by one kind of evidence. Exactly one of
// Values, All and AtLeast is set.
type Rule struct {
	// ID is "vendor/name", unique in the list and stable from version to
	// version. A proof names the value too: "vendor/name#value" (see ValueID).
	ID         string     `yaml:"id"`
	Kind       sbom.Kind  `yaml:"kind"`
	Match      Operator   `yaml:"match,omitempty"`
	Values     []string   `yaml:"values,omitempty"`
	Identifies Identifies `yaml:"identifies"`
	Strength   Strength   `yaml:"strength"`
	// Min is how many symbols a family (symbol_prefix) must have to count.
	Min int `yaml:"min,omitempty"`
	// All are symbols that one file must have, every one of them. A name that
	// ends in "*" stands for any symbol with that prefix.
	All []string `yaml:"all,omitempty"`
	// AtLeast are symbols of which one file must have some.
	AtLeast  *Some       `yaml:"atLeast,omitempty"`
	Requires Requires    `yaml:"requires,omitempty"`
	Except   []Exception `yaml:"except,omitempty"`
	Sources  []string    `yaml:"sources,omitempty"` // where it can be checked: addresses, or a citation
	Verified bool        `yaml:"verified"`          // checked against its source; if not, it never decides
	Note     string      `yaml:"note,omitempty"`
	Disabled bool        `yaml:"disabled,omitempty"` // stays in the list, matches nothing
}

// Some is "at least Count of Of".
type Some struct {
	Count int      `yaml:"count"`
	Of    []string `yaml:"of"` // symbols; one that ends in "*" is a prefix
}

// Requires limits a rule to evidence in the right company. The zero value
// requires nothing.
type Requires struct {
	// Formats are the formats one of which the file must have: "pe", "elf",
	// "macho", "script", "archive", "data", "symlink". "program" is pe, elf,
	// macho and script. The format is that of the file's name or path (see
	// sbom.Evidence.Format), or the one that its other evidence can only come
	// from.
	Formats []string `yaml:"formats,omitempty,flow"`
	// Kinds are kinds of evidence one of which the same file must have.
	Kinds []sbom.Kind `yaml:"kinds,omitempty,flow"`
	// Rules are IDs of rules one of which must match the same file.
	Rules []string `yaml:"rules,omitempty,flow"`
}

// Exception cancels a rule for a file or package that has an evidence with one
// of the values.
type Exception struct {
	Kind   sbom.Kind `yaml:"kind"`
	Match  Operator  `yaml:"match"`
	Values []string  `yaml:"values"`
	Note   string    `yaml:"note,omitempty"`
}
