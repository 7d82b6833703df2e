package manifest

import (
	"encoding/json"
	"strings"
)

// node is a value of a JSON text. Members keep their order, and those of one
// name are all there.
type node struct {
	kind  byte // '{', '[', '"' or 'x' for a number or word
	text  string
	names []string // of the members of an object
	list  []*node
}

// Bounds of a JSON text.
const (
	maxDepth = 200
	maxNodes = 4 << 20
)

// jsonReader reads JSON and what looks like it: comments, commas that are too
// many or missing, brackets that are never closed, and marks of a merge
// conflict stop it nowhere. It counts what it passed over.
type jsonReader struct {
	s     string
	pos   int
	nodes int
	odd   int // bytes or tokens that do not belong there
	first int // the line of the first
}

func (r *reading) json() (root *node, j *jsonReader) {
	j = &jsonReader{s: r.text}
	j.space()
	if j.peek() == '"' { // the first brace is missing
		j.wrong()
		return j.members(0), j
	}
	root = j.value(0)
	if root == nil {
		root = &node{kind: 'x'}
	}
	return root, j
}

func (j *jsonReader) peek() byte {
	if j.pos < len(j.s) {
		return j.s[j.pos]
	}
	return 0
}

func (j *jsonReader) wrong() {
	if j.odd++; j.first == 0 {
		j.first = 1 + strings.Count(j.s[:min(j.pos, len(j.s))], "\n")
	}
}

// space moves past white space, comments and marks of a conflict.
func (j *jsonReader) space() {
	for j.pos < len(j.s) {
		rest := j.s[j.pos:]
		switch c := rest[0]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			j.pos++
		case strings.HasPrefix(rest, "//") || (c == '<' || c == '=' || c == '>' || c == '|') && isConflict(firstLine(rest)):
			j.pos += len(firstLine(rest))
		case strings.HasPrefix(rest, "/*"):
			if end := strings.Index(rest, "*/"); end >= 0 {
				j.pos += end + 2
			} else {
				j.pos = len(j.s)
			}
		default:
			return
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// value reads a value; nil if there is none here.
func (j *jsonReader) value(depth int) *node {
	j.space()
	if j.nodes++; depth > maxDepth || j.nodes > maxNodes {
		j.wrong()
		j.pos = len(j.s)
		return nil
	}
	switch c := j.peek(); {
	case c == '{':
		j.pos++
		return j.members(depth)
	case c == '[':
		j.pos++
		return j.elements(depth)
	case c == '"':
		return &node{kind: '"', text: j.str()}
	case c == 0 || c == '}' || c == ']' || c == ',' || c == ':':
		return nil
	}
	start := j.pos
	for j.pos < len(j.s) && !strings.ContainsRune(" \t\r\n,:{}[]\"", rune(j.s[j.pos])) {
		j.pos++
	}
	return &node{kind: 'x', text: j.s[start:j.pos]}
}

// members reads an object, whose brace is behind.
func (j *jsonReader) members(depth int) *node {
	n := &node{kind: '{'}
	for {
		j.space()
		switch j.peek() {
		case 0:
			j.wrong()
			return n
		case '}':
			j.pos++
			return n
		case ',':
			j.pos++
			continue
		case '"':
		default:
			j.wrong()
			if j.value(depth+1) == nil && j.pos < len(j.s) && j.peek() != '}' {
				j.pos++
			}
			continue
		}
		name := j.str()
		j.space()
		if j.peek() != ':' {
			j.wrong()
			continue
		}
		j.pos++
		v := j.value(depth + 1)
		if v == nil {
			j.wrong()
			continue
		}
		n.names, n.list = append(n.names, name), append(n.list, v)
	}
}

// elements reads a list, whose bracket is behind.
func (j *jsonReader) elements(depth int) *node {
	n := &node{kind: '['}
	for {
		j.space()
		switch j.peek() {
		case 0:
			j.wrong()
			return n
		case ']':
			j.pos++
			return n
		case ',':
			j.pos++
			continue
		}
		if v := j.value(depth + 1); v != nil {
			n.list = append(n.list, v)
		} else {
			j.wrong()
			if j.peek() == '}' { // its bracket is missing
				return n
			}
			j.pos++
		}
	}
}

// str reads a string. One that does not end ends with its line.
func (j *jsonReader) str() string {
	start := j.pos
	for i := start + 1; i < len(j.s); i++ {
		switch j.s[i] {
		case '\\':
			i++
		case '\n':
			j.wrong()
			j.pos = i
			return j.s[start+1 : i]
		case '"':
			j.pos = i + 1
			raw := j.s[start:j.pos]
			if strings.IndexByte(raw, '\\') < 0 {
				return raw[1 : len(raw)-1]
			}
			var s string
			if json.Unmarshal([]byte(raw), &s) != nil {
				return raw[1 : len(raw)-1]
			}
			return s
		}
	}
	j.wrong()
	j.pos = len(j.s)
	return j.s[min(start+1, len(j.s)):]
}

// get returns a member, the last of those with the name; never nil.
func (n *node) get(name string) *node {
	for i := len(n.names) - 1; i >= 0; i-- {
		if n.names[i] == name {
			return n.list[i]
		}
	}
	return &node{}
}

// str is the text of a string or number; empty for all else.
func (n *node) str() string {
	switch {
	case n.kind == '"':
		return n.text
	case n.kind == 'x' && n.text != "null" && n.text != "true" && n.text != "false":
		return n.text
	}
	return ""
}

// members calls fn for each member of an object.
func (n *node) members(fn func(name string, v *node)) {
	for i, name := range n.names {
		fn(name, n.list[i])
	}
}
