package manifest

import (
	"encoding/xml"
	"io"
	"strings"
)

// elements walks through an XML text: fn gets the path of an element, its
// attributes and its own text, when it ends.
func (r *reading) elements(fn func(at string, attr map[string]string, text string)) {
	dec := xml.NewDecoder(strings.NewReader(r.text))
	dec.Strict = false
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	type open struct {
		name string
		attr map[string]string
		text strings.Builder
	}
	var stack []*open
	for {
		t, err := dec.Token()
		if err != nil {
			if err != io.EOF {
				at, _ := dec.InputPos()
				r.miss(line(at))
			}
			return
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(stack) >= maxDepth {
				r.miss("an element that is nested too deeply")
				return
			}
			o := &open{name: t.Name.Local, attr: map[string]string{}}
			for _, a := range t.Attr {
				o.attr[strings.ToLower(a.Name.Local)] = a.Value
			}
			stack = append(stack, o)
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text.Write(t)
			}
		case xml.EndElement:
			if len(stack) == 0 {
				continue
			}
			var at []string
			for _, o := range stack {
				at = append(at, o.name)
			}
			o := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			fn(strings.Join(at, "/"), o.attr, strings.TrimSpace(o.text.String()))
		}
	}
}

// pom reads the dependencies of a Maven project
// (https://maven.apache.org/pom.html). A version that is a property of another
// file is none.
func (r *reading) pom() {
	p := Package{Type: "maven"}
	r.elements(func(at string, _ map[string]string, text string) {
		in, field, ok := strings.Cut(at, "dependency/")
		if ok && strings.HasSuffix(in, "dependencies/") {
			switch field {
			case "groupId":
				p.Namespace = text
			case "artifactId":
				p.Name = text
			case "version":
				p.Version = text
			}
		}
		if strings.HasSuffix(at, "dependencies/dependency") {
			if !strings.ContainsAny(p.Namespace, "${}") {
				r.addPackage(p)
			}
			p = Package{Type: "maven"}
		}
	})
}

// nugetXML reads packages.config and the references of a project
// (https://learn.microsoft.com/nuget/reference/packages-config,
// https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files).
func (r *reading) nugetXML() {
	inner := ""
	r.elements(func(at string, attr map[string]string, text string) {
		switch name := at[strings.LastIndexByte(at, '/')+1:]; name {
		case "Version":
			inner = text
		case "package":
			r.add(attr["id"], attr["version"])
		case "PackageReference", "PackageVersion", "GlobalPackageReference", "DotNetCliToolReference":
			version := attr["version"] + attr["versionoverride"]
			if version == "" {
				version = inner
			}
			if strings.ContainsAny(version, "*,[]()") {
				version = "" // a range
			}
			for _, id := range strings.Split(attr["include"]+attr["update"], ";") {
				r.add(id, version)
			}
			inner = ""
		}
	})
}
