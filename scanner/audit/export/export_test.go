package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

// fleet is a store of n images, of which each third is denied.
type fleet int

const hostile = "=cmd|'/C calc'!A0<script>alert(1)</script>\u202e\x1b[31m"

func (n fleet) Images(_ context.Context, f store.Filter) (page []store.Image, next string, err error) {
	from, _ := strconv.Atoi(f.After)
	for i := from; i < min(from+f.Limit, int(n)); i++ {
		one := store.Image{Repository: "r.example/app", Digest: digest(i), Platform: "linux/amd64", State: store.Scanned, Verdict: denylist.Pass}
		switch i % 3 {
		case 0:
			one.Verdict, one.Denied = denylist.Deny, 1
		case 1:
			one.State, one.Verdict, one.Error = store.Failed, "", hostile
		}
		page = append(page, one)
	}
	if end := from + f.Limit; end < int(n) {
		next = strconv.Itoa(end)
	}
	return page, next, nil
}

func (n fleet) Findings(_ context.Context, f store.Filter) (page []store.Finding, next string, err error) {
	for i := 0; i < int(n); i += 3 {
		if f.Digest == "" || f.Digest == digest(i) {
			page = append(page, store.Finding{
				ID: "kaspersky-1", Repository: "r.example/app", Digest: digest(i), Vendor: "kaspersky", VendorName: "AO Kaspersky Lab",
				Level: denylist.Denied, Component: denylist.ComponentRef{Name: hostile, Version: "1"},
				Regimes: []store.RegimeVerdict{{ID: "us-bod-17-01", Verdict: "denied"}}, Path: "/opt/kesl",
			})
		}
	}
	return page, "", nil
}

func digest(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func validate(t *testing.T, doc []byte) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(export.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("audit.json", schema); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	if err := c.MustCompile("audit.json").Validate(v); err != nil {
		t.Errorf("%v\n%s", err, doc)
	}
}

// TestImages: every image is in each format once, whatever the pages, and its
// findings with it.
func TestImages(t *testing.T) {
	const n = 1201
	var doc bytes.Buffer
	if err := export.Images(t.Context(), &doc, fleet(n), store.Filter{}, export.JSON); err != nil {
		t.Fatal(err)
	}
	validate(t, doc.Bytes())
	var list struct{ Images []export.Image }
	if err := json.Unmarshal(doc.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for _, i := range list.Images {
		seen[i.Digest]++
		if want := i.Verdict == "deny"; want != (len(i.Findings) == 1) {
			t.Errorf("%s: %s with %d findings", i.Digest, i.Verdict, len(i.Findings))
		}
	}
	if len(seen) != n || len(list.Images) != n {
		t.Errorf("%d images, %d different, want %d", len(list.Images), len(seen), n)
	}

	doc.Reset()
	if err := export.Images(t.Context(), &doc, fleet(n), store.Filter{}, export.CSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&doc).ReadAll()
	if err != nil || len(rows) != n+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsRune("=+-@", rune(c[0])) || strings.ContainsAny(c, "\x1b\u202e") {
				t.Fatalf("the cell %q is not safe", c)
			}
		}
	}

	doc.Reset()
	if err := export.Images(t.Context(), &doc, fleet(7), store.Filter{}, export.HTML); err != nil {
		t.Fatal(err)
	}
	if page := doc.String(); strings.Contains(page, "<script") || strings.Count(page, "<tr>") != 8 || !strings.HasSuffix(page, "</html>\n") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestFindings(t *testing.T) {
	for _, n := range []int{0, 4} {
		var doc bytes.Buffer
		if err := export.Findings(t.Context(), &doc, fleet(n), store.Filter{}, export.JSON); err != nil {
			t.Fatal(err)
		}
		validate(t, doc.Bytes())
	}
}

type broken struct{ fleet }

func (b broken) Images(ctx context.Context, f store.Filter) ([]store.Image, string, error) {
	if f.After != "" {
		return nil, "", fmt.Errorf("the disk is gone")
	}
	return b.fleet.Images(ctx, f)
}

// TestBroken: what ends in an error cannot be taken for whole.
func TestBroken(t *testing.T) {
	var doc bytes.Buffer
	err := export.Images(t.Context(), &doc, broken{1000}, store.Filter{}, export.JSON)
	if err == nil || json.Valid(doc.Bytes()) {
		t.Errorf("error %v, and the document is valid: %v", err, json.Valid(doc.Bytes()))
	}
}
