package infoplist

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// maxArray bounds how many strings of one array are read.
const maxArray = 64

// Values returns the strings of the outermost dictionary, and the strings of
// the arrays right below it: what a launchd.plist(5) says. All else is passed
// over.
func Values(b []byte) (map[string][]string, error) {
	if bytes.HasPrefix(b, []byte("bplist0")) {
		return valuesBinary(b)
	}
	m := map[string][]string{}
	single, err := fromXML(b)
	if err != nil {
		return nil, err
	}
	for k, v := range single {
		m[k] = []string{v}
	}
	arraysXML(b, m)
	return m, nil
}

// arraysXML adds the strings at plist/dict/array/string.
func arraysXML(b []byte, m map[string][]string) {
	d := xml.NewDecoder(strings.NewReader(text(b)))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // text made it UTF-8
	depth := 0
	var names [5]string // of the open elements, from 1
	key, value := "", ""
	for len(m) < maxKeys {
		tok, err := d.RawToken()
		if err != nil {
			return // what came before it stands
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth++; depth < len(names) {
				names[depth] = t.Name.Local
			}
			value = ""
		case xml.CharData:
			if depth < len(names) && len(value) < maxString {
				value += string(t)
			}
		case xml.EndElement:
			switch {
			case depth == 3 && names[3] == "key":
				key = strings.TrimSpace(value)
			case depth == 4 && names[2] == "dict" && names[3] == "array" && names[4] == "string" && len(m[key]) < maxArray:
				m[key] = append(m[key], strings.TrimSpace(value))
			}
			if depth--; depth < 0 {
				return
			}
		}
	}
}

func valuesBinary(b []byte) (map[string][]string, error) {
	d, keys, values, err := openBinary(b)
	if err != nil {
		return nil, err
	}
	m := map[string][]string{}
	for i, k := range keys {
		key, ok := d.str(k)
		if !ok {
			continue
		}
		if v, ok := d.str(values[i]); ok {
			m[key] = []string{v}
			continue
		}
		kind, n, at, ok := d.object(values[i])
		if !ok || kind != 0xa { // array: n references
			continue
		}
		for j := range min(n, maxArray) {
			ref, ok := d.number(at+j*uint64(d.ref), d.ref)
			if !ok {
				break
			}
			if v, ok := d.str(ref); ok {
				m[key] = append(m[key], v)
			}
		}
	}
	return m, nil
}
