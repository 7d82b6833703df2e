package serviceconfig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner/detect/internal/openpgp"
)

// aptList reads apt's one-line form (sources.list(5)):
// "deb [option=value ...] address suite component...".
func aptList(n *notes, b []byte) {
	for number, line := range lines(b, "#") {
		words := strings.Fields(line)
		if words[0] != "deb" && words[0] != "deb-src" {
			continue
		}
		words = words[1:]
		if len(words) > 0 && strings.HasPrefix(words[0], "[") {
			i := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
			words = words[i+1:] // an option that does not end is no address
		}
		if len(words) > 0 {
			n.apt(words[0], fmt.Sprintf("line %d: %s", number, strings.Join(words[1:], " ")))
		}
	}
}

// apt notes an address of apt's. A transport before the scheme, such as "tor+"
// or "mirror+", is cut.
func (n *notes) apt(address, where string) {
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		n.repository(scheme[strings.LastIndexByte(scheme, '+')+1:]+"://"+rest, where)
	}
}

// aptSources reads apt's deb822 form: stanzas of fields, in which a key may be
// written out.
func aptSources(n *notes, b []byte) {
	stanza := 1
	var field string
	var value strings.Builder
	disabled := ""
	var uris []string
	flush := func() {
		v := value.String()
		switch strings.ToLower(field) {
		case "uris":
			uris = append(uris, strings.Fields(v)...)
		case "enabled":
			if strings.EqualFold(strings.TrimSpace(v), "no") {
				disabled = ", disabled"
			}
		case "signed-by":
			n.signedBy(v, fmt.Sprintf("stanza %d, Signed-By", stanza))
		}
		field = ""
		value.Reset()
	}
	end := func() {
		flush()
		for _, u := range uris {
			n.apt(u, fmt.Sprintf("stanza %d%s", stanza, disabled))
		}
		if uris != nil {
			stanza++
		}
		uris, disabled = nil, ""
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case strings.TrimSpace(line) == "":
			end()
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			value.WriteString("\n" + strings.TrimSpace(line))
		default:
			flush()
			name, v, _ := strings.Cut(line, ":")
			field = name
			value.WriteString(v)
		}
	}
	end()
}

// signedBy notes whose key is written out in a field. Lines with a single dot
// are empty ones.
func (n *notes) signedBy(v, where string) {
	v = strings.ReplaceAll(v, "\n.\n", "\n\n")
	if !strings.Contains(v, "-----BEGIN PGP") {
		return // a file's name
	}
	ids, _ := openpgp.Read([]byte(v)) // what can be read stands
	for _, id := range ids {
		e := id.Evidence()
		n.add(e.Kind, e.Value, where+", "+e.Where)
	}
}

// yumKey is "key = value" at the begin of a line; a line without it goes on
// with the value of the one before.
var yumKey = regexp.MustCompile(`^([A-Za-z_]+)\s*=\s*(.*)$`)

// yum reads the repositories of yum, dnf (dnf.conf(5)) and zypper.
func yum(n *notes, b []byte) {
	section, key := "", ""
	disabled := map[string]bool{}
	type found struct{ section, key, address string }
	var all []found
	for _, line := range lines(b, "#;") {
		value := line
		switch m := yumKey.FindStringSubmatch(line); {
		case line[0] == '[':
			section, key = strings.Trim(line, "[]"), ""
			continue
		case m != nil:
			key, value = strings.ToLower(m[1]), m[2]
		}
		switch key {
		case "enabled":
			disabled[section] = value == "0" || strings.EqualFold(value, "false") || strings.EqualFold(value, "no")
		case "baseurl", "mirrorlist", "metalink", "gpgkey", "url":
			for a := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
				all = append(all, found{section, key, a})
			}
		}
	}
	for _, f := range all {
		where := fmt.Sprintf("[%s] %s", f.section, f.key)
		if disabled[f.section] {
			where += ", disabled"
		}
		n.repository(f.address, where)
	}
}

// apk reads Alpine's list (apk-repositories(5)): "[@tag] address".
func apk(n *notes, b []byte) {
	for number, line := range lines(b, "#") {
		if line[0] == '@' {
			_, line, _ = strings.Cut(line, " ")
		}
		n.repository(strings.TrimSpace(line), fmt.Sprintf("line %d", number))
	}
}

// pacman reads Arch Linux's servers (pacman.conf(5)).
func pacman(n *notes, b []byte) {
	for s := range settings(b, "#") {
		if s.key == "Server" {
			n.repository(s.value, fmt.Sprintf("line %d: Server", s.line))
		}
	}
}

// opkg reads the feeds of opkg: "src/gz name address".
func opkg(n *notes, b []byte) {
	for number, line := range lines(b, "#") {
		if words := strings.Fields(line); len(words) >= 3 && strings.HasPrefix(words[0], "src") {
			n.repository(words[2], fmt.Sprintf("line %d: %s", number, words[1]))
		}
	}
}
