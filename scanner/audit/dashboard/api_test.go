package dashboard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/scanner/audit/dashboard"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

// openAPI compiles schemas of the document that the server itself serves.
type openAPI struct {
	compiler *jsonschema.Compiler
	doc      struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Parameters  []struct {
				Ref  string `json:"$ref"`
				Name string
			}
			Responses map[string]struct {
				Ref     string `json:"$ref"`
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct {
			Schemas    map[string]any
			Parameters map[string]any
		}
	}
}

func readOpenAPI(t *testing.T, text string) *openAPI {
	t.Helper()
	o := &openAPI{compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal([]byte(text), &o.doc); err != nil {
		t.Fatal(err)
	}
	tree, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o.compiler.AssertFormat()
	o.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := o.compiler.AddResource("openapi.json", tree); err != nil {
		t.Fatal(err)
	}
	return o
}

// schema is that of an answer.
func (o *openAPI) schema(t *testing.T, path, method, status, mediaType string) *jsonschema.Schema {
	t.Helper()
	escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	at := "openapi.json#/paths/" + escaped.Replace(path) + "/" + method + "/responses/" + status
	if ref := o.doc.Paths[path][method].Responses[status].Ref; ref != "" {
		at = "openapi.json" + ref
	}
	s, err := o.compiler.Compile(at + "/content/" + escaped.Replace(mediaType) + "/schema")
	if err != nil {
		t.Fatalf("%s %s %s: %v", method, path, status, err)
	}
	return s
}

func (o *openAPI) check(t *testing.T, path, method string, answer *http.Response, body string) {
	t.Helper()
	mediaType := answer.Header.Get("Content-Type")
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, body)
	}
	status := strings.Fields(answer.Status)[0]
	if err := o.schema(t, path, method, status, mediaType).Validate(v); err != nil {
		t.Errorf("%s %s: %v\n%s", method, path, err, body[:min(len(body), 2000)])
	}
	if status == "200" {
		o.known(t, path, "openapi.json", o.doc.Paths[path][method].Responses[status].Content[mediaType].Schema, v)
	}
}

// known checks that every field of an answer is in the document: schemas let
// others pass.
func (o *openAPI) known(t *testing.T, at, _ string, schema map[string]any, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		props := o.properties(schema)
		if len(props) == 0 {
			return // a map of foreign keys
		}
		for key, value := range v {
			sub, ok := props[key].(map[string]any)
			if !ok {
				t.Errorf("%s: the field %s is not in the document", at, key)
				continue
			}
			o.known(t, at+"."+key, "", sub, value)
		}
	case []any:
		items, _ := o.resolve(schema)["items"].(map[string]any)
		for _, one := range v {
			o.known(t, at, "", items, one)
		}
	}
}

func (o *openAPI) resolve(schema map[string]any) map[string]any {
	if ref, ok := schema["$ref"].(string); ok {
		s, _ := o.doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		return s
	}
	return schema
}

func (o *openAPI) properties(schema map[string]any) map[string]any {
	schema = o.resolve(schema)
	out := map[string]any{}
	if p, ok := schema["properties"].(map[string]any); ok {
		maps.Copy(out, p)
	}
	all, _ := schema["allOf"].([]any)
	for _, one := range all {
		maps.Copy(out, o.properties(one.(map[string]any)))
	}
	return out
}

// TestOpenAPI: each route of the API is in its document, and each answer is as
// the document says, without fields beyond it.
func TestOpenAPI(t *testing.T) {
	f := standard(t)
	q := &queue{}
	server := serve(t, dashboard.Options{Store: f.Store, Queue: q, Token: token})
	_, text := ask(t, server, "GET", "/api/v1/openapi.json", "", nil)
	o := readOpenAPI(t, text)
	if o.doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", o.doc.OpenAPI)
	}
	gets := map[string][]string{
		"/api/v1/totals": {"", "?verdict=deny", "?team=shop"},
		"/api/v1/images": {"", "?limit=3", "?state=failed", "?gone=true", "?regime=us-bod-17-01&level=denied", "?q=cameras", "?limit=0"},
		"/api/v1/images/{image}": {
			"|registry.example/shop/web@" + digest("web"), "|registry.example/data/broken@" + digest("broken"),
			"|registry.example/old/legacy@" + digest("legacy"), "|registry.example/shop/web@sha256:0000000000000000", "|nothing",
		},
		"/api/v1/findings":     {"", "?limit=1", "?newIn=3", "?gone=true", "?level=mention"},
		"/api/v1/vendors":      {""},
		"/api/v1/regimes":      {"", "?vendor=hikvision"},
		"/api/v1/repositories": {"", "?limit=2"},
		"/api/v1/teams":        {""},
		"/api/v1/runs":         {"", "?limit=1"},
		"/api/v1/runs/{id}":    {"|1", "|3", "|latest", "|99", "|x"},
		"/api/v1/changes":      {"?run=3", "?run=99"},
		"/api/v1/report":       {""},
		"/api/v1/openapi.json": {""},
		"/api/v1/schema.json":  {""},
	}
	for path, asks := range gets {
		for _, one := range asks {
			address := path + one
			if name, ok := strings.CutPrefix(one, "|"); ok {
				address = path[:strings.Index(path, "{")] + name
			}
			answer, body := ask(t, server, "GET", address, "", nil)
			o.check(t, path, "get", answer, body)
		}
	}
	for path, bodies := range map[string][]string{
		"/api/v1/audits":       {`{"images":["r.example/a:1"]}`, `{}`},
		"/webhooks/{registry}": {`{"docker_url":"quay.example/a","updated_tags":["1"]}`, `nonsense`},
	} {
		for _, body := range bodies {
			answer, said := ask(t, server, "POST", strings.Replace(path, "{registry}", "quay", 1), body, bearer(token))
			o.check(t, path, "post", answer, said)
		}
		answer, said := ask(t, server, "POST", strings.Replace(path, "{registry}", "quay", 1), "{}", nil)
		o.check(t, path, "post", answer, said)
	}
	for path, methods := range o.doc.Paths {
		if _, get := methods["get"]; get && gets[path] == nil {
			t.Errorf("%s is not tested", path)
		}
	}
	for _, pattern := range dashboard.APIRoutes() {
		path := regexp.MustCompile(`\.\.\.\}`).ReplaceAllString(pattern, "}")
		if o.doc.Paths[path] == nil {
			t.Errorf("%s is not in the document", path)
		}
	}
}

// TestFilterDocument: the parameters of a filter are those of the document.
func TestFilterDocument(t *testing.T) {
	server := serve(t, dashboard.Options{Store: newFleet(t).Store})
	_, text := ask(t, server, "GET", "/api/v1/openapi.json", "", nil)
	got := slices.Sorted(maps.Keys(readOpenAPI(t, text).doc.Components.Parameters))
	if want := slices.Sorted(slices.Values(dashboard.FilterKeys())); !slices.Equal(got, want) {
		t.Errorf("the document has %v, the server reads %v", got, want)
	}
}

// TestExports: a download is what the command line writes, of the same filter.
func TestExports(t *testing.T) {
	f := standard(t)
	server := serve(t, dashboard.Options{Store: f.Store})
	_, body := ask(t, server, "GET", "/images.json?verdict=deny", "", nil)
	var want bytes.Buffer
	filter, err := dashboard.Filter("verdict=deny")
	f.must(err, export.Images(context.Background(), &want, f.Store, filter, export.JSON))
	if body != want.String() {
		t.Errorf("the download differs from the export:\n%s\n%s", body, want.String())
	}
	schema := compile(t)
	for _, path := range []string{"/images.json", "/findings.json", "/findings.json?gone=true", "/vendors.json", "/teams.json", "/regimes.json", "/repositories.json", "/runs.json", "/report.json"} {
		answer, body := ask(t, server, "GET", path, "", nil)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is no attachment", path)
		}
	}
	image := "/images/registry.example/shop/web@" + digest("web")
	for path, begins := range map[string]string{
		"/images.csv": "repository,digest", "/findings.csv": "repository,digest", "/vendors.csv": "vendor,title", "/runs.csv": "run,kind",
		"/report.txt": "Count and method\n====", "/report.md": "# Count and method", "/report.html": "<!doctype html>",
		image + "/bom.json": `{"$schema":"http://cyclonedx.org`, image + "/report.sarif": "{\n  \"", image + "/report.html": "<!doctype html>",
	} {
		if answer, body := ask(t, server, "GET", path, "", nil); answer.StatusCode != 200 || !strings.HasPrefix(body, begins) {
			t.Errorf("%s: %d %.200s", path, answer.StatusCode, body)
		}
	}
	if _, body := ask(t, server, "GET", image+"/report.json", "", nil); !strings.Contains(body, `"target": "registry.example/shop/web:1.0"`) {
		t.Errorf("the report names another image: %.300s", body)
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(export.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("audit.json", tree); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("audit.json")
}

func mustFilter(t *testing.T, query string) store.Filter {
	t.Helper()
	f, err := dashboard.Filter(query)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestReport: the report of an audit says the count, the method, what was
// identified and what could not be, what is new and what is gone.
func TestReport(t *testing.T) {
	f := standard(t)
	server := serve(t, dashboard.Options{Store: f.Store})
	for _, format := range []string{"txt", "md", "html"} {
		_, text := ask(t, server, "GET", "/report."+format, "", nil)
		plain := strings.Join(strings.Fields(strings.NewReplacer("\\", "", "&#8203;", "", "@&#8203;", "@").Replace(text)), " ")
		for _, want := range []string{
			"48 images: 5 denied, 1 incomplete, 0 to review, 41 passed, 1 could not be looked at.",
			"43 of 48 repositories have no finding.", "HCNetSDK.dll 5.2.3.3", "hidden by a later layer", "Every layer of an image is read",
			"registry.example/private", "the credentials may not list it", "500 Internal Server Error", "registry.example/data/etl:nightly",
			"Findings that this run saw first (6)", "Findings that are gone since this run began (2)", "registry.example/old/legacy", "3 business days",
		} {
			if !strings.Contains(plain, want) {
				t.Errorf("report.%s has no %q", format, want)
			}
		}
		if strings.Contains(text, "<script>alert") && format != "txt" || strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("report.%s has foreign markup", format)
		}
	}
	var rep export.Report
	_, text := ask(t, server, "GET", "/report.json", "", nil)
	f.must(json.Unmarshal([]byte(text), &rep))
	if rep.Findings.Total != 8 || rep.Findings.More || rep.New.Total != 6 || len(rep.Problems) != 1 || len(rep.Laws) != len(f.law.Regimes) {
		t.Errorf("the report is %+v", rep)
	}
}
