package serviceconfig

import (
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxPrograms is how many programs of one command line are noted.
const maxPrograms = 8

// runners are programs that run another, which their arguments name: that one
// is who starts.
var runners = regexp.MustCompile(`^(env|nice|ionice|chrt|nohup|sudo|su|runuser|setpriv|chpst|s6-setuidgid|timeout|setsid|flock|` +
	`chronic|exec|start-stop-daemon|daemon|[bdkz]?a?sh|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node|nodejs|php[0-9.]*|java|mono|dotnet)$`)

// programs returns the programs that a command line runs: of every part
// between ";", "|" and "&" the first word, or the first absolute path after a
// shell or a tool of the like. It knows no variables and no nesting, and a word
// that is no path counts only where there is nothing else.
func programs(command string) []string {
	var found []string
	for part := range parts(command) {
		if p := program(part); p != "" && !slices.Contains(found, p) && len(found) < maxPrograms {
			found = append(found, p)
		}
	}
	if paths := slices.DeleteFunc(slices.Clone(found), func(p string) bool { return p[0] != '/' }); len(paths) > 0 {
		return paths
	}
	return found[:min(len(found), 1)]
}

// parts splits a command line into simple commands.
func parts(command string) iter.Seq[string] {
	return strings.FieldsFuncSeq(command, func(r rune) bool { return strings.ContainsRune(";|&(){}`\n", r) })
}

func program(part string) string {
	if s := strings.TrimSpace(part); len(s) > 2 && s[0] == '"' && s[1] == '/' {
		if quoted, _, ok := strings.Cut(s[1:], `"`); ok && !runners.MatchString(path.Base(quoted)) {
			return quoted // it may have spaces in it
		}
	}
	first := ""
	for w := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == ' ' || r == '\t' || r == '"' || r == '\'' }) {
		name, _, assigns := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, ">"), strings.HasPrefix(w, "<"), strings.HasPrefix(w, "2>"):
			return first // what follows is a file
		case first == "" && assigns && !strings.ContainsAny(name, "/-"):
			continue // a variable's value
		case first == "":
			if w == "!" || w == "if" || w == "then" || w == "do" || w == "else" {
				continue
			}
			if w == "test" || w == "[" || w == "cd" || w == "echo" {
				return ""
			}
			first = w
			if !runners.MatchString(path.Base(w)) {
				return first
			}
		case w[0] == '/' && !strings.HasPrefix(w, "/dev/"):
			if !runners.MatchString(path.Base(w)) {
				return w
			}
		}
	}
	return first
}

// foreign are the folders where programs lie that are not the system's own
// (Filesystem Hierarchy Standard 3.0: /opt, /srv, /usr/local, /var/opt; and
// homes).
var foreign = []string{"/opt/", "/usr/local/", "/var/opt/", "/srv/", "/home/", "/root/", "/usr/lib64/opt/"}

// foreignPaths yields the absolute paths of files in a text that lie where
// programs do that are not the system's own.
func foreignPaths(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(line); {
			if line[i] != '/' || i > 0 && (isPathByte(line[i-1]) || line[i-1] == '}') {
				i++
				continue
			}
			j := i
			for j < len(line) && isPathByte(line[j]) {
				j++
			}
			p := strings.TrimRight(line[i:j], ".,:")
			isFile := !strings.HasSuffix(p, "/") && !inList(line, i, j) && (j == len(line) || line[j] != '$' && line[j] != '*' && line[j] != '{')
			if isFile && slices.ContainsFunc(foreign, func(f string) bool { return strings.HasPrefix(p, f) }) && !yield(p) {
				return
			}
			i = j
		}
	}
}

// inList reports whether line[i:j] is one of a list of folders: PATH.
func inList(line string, i, j int) bool {
	return j < len(line) && line[j] == ':' || i > 0 && line[i-1] == ':'
}

func isPathByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80 || strings.IndexByte("/._+-@~%,", c) >= 0
}

// lines yields the lines of a text with their numbers from 1, trimmed, without
// those that are empty or begin with one of the marks of a comment. A line that
// ends in a backslash goes on in the next.
func lines(b []byte, comment string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		text := strings.TrimPrefix(string(b), "\xef\xbb\xbf")
		held, from, number := "", 0, 0
		for line := range strings.SplitSeq(text, "\n") {
			number++
			line = strings.TrimSpace(line)
			if held == "" {
				from = number
			}
			if line == "" || strings.IndexByte(comment, line[0]) >= 0 {
				if held == "" {
					continue
				}
				line = "" // ends what is held, or is a comment in it
			}
			if rest, ok := strings.CutSuffix(line, `\`); ok && len(held) < maxSize {
				held += rest + " "
				continue
			}
			line, held = strings.TrimSpace(held+line), ""
			if line != "" && !yield(from, line) {
				return
			}
		}
		if held = strings.TrimSpace(held); held != "" {
			yield(from, held)
		}
	}
}

// setting is one "key = value" of a file with sections.
type setting struct {
	line                int
	section, key, value string
}

// settings yields the settings of a file in the form of systemd, desktop
// entries, yum or supervisor.
func settings(b []byte, comment string) iter.Seq[setting] {
	return func(yield func(setting) bool) {
		section := ""
		for n, line := range lines(b, comment) {
			if line[0] == '[' && line[len(line)-1] == ']' {
				section = line[1 : len(line)-1]
				continue
			}
			key, value, ok := strings.Cut(line, "=")
			if ok && !yield(setting{n, section, strings.TrimSpace(key), strings.TrimSpace(value)}) {
				return
			}
		}
	}
}
