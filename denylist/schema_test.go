package denylist_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/interdict/interdict/denylist"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(denylist.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("denylist", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("denylist")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as the schema sees it: dates are strings.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	var plain func(*yaml.Node)
	plain = func(n *yaml.Node) {
		if n.Tag == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			plain(c)
		}
	}
	plain(&n)
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAcceptsTheEmbeddedList(t *testing.T) {
	s := compileSchema(t)
	files, err := filepath.Glob("builtin/vendors/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "builtin/regimes.yaml") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asJSON(t, data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaAndParserAgree: what Parse refuses for its form, the schema refuses.
func TestSchemaAndParserAgree(t *testing.T) {
	s := compileSchema(t)
	for _, bad := range badLists {
		if bad.beyondSchema {
			continue
		}
		if err := s.Validate(asJSON(t, []byte(bad.yaml))); err == nil {
			t.Errorf("%s: the schema accepts what Parse refuses", bad.name)
		}
	}
}

// TestSchemaFields: the schema and the types have the same fields, and every
// field is described.
func TestSchemaFields(t *testing.T) {
	var doc struct {
		Properties map[string]map[string]any
		Defs       map[string]struct{ Properties map[string]map[string]any } `json:"$defs"`
	}
	if err := json.Unmarshal(denylist.Schema, &doc); err != nil {
		t.Fatal(err)
	}
	for def, typ := range map[string]any{
		"regime": denylist.Regime{}, "regimeVendor": denylist.RegimeVendor{}, "deadline": denylist.Deadline{},
		"vendor": denylist.Vendor{}, "embedder": denylist.Embedder{}, "rule": denylist.Rule{},
	} {
		var want, got []string
		for i := range reflect.TypeOf(typ).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(typ).Field(i).Tag.Get("yaml"), ",")
			want = append(want, name)
		}
		for name, p := range doc.Defs[def].Properties {
			got = append(got, name)
			if p["description"] == nil && p["$ref"] == nil {
				t.Errorf("%s.%s is not described", def, name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s: schema has %v, type has %v", def, got, want)
		}
	}
}
