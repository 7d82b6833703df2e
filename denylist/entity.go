package denylist

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/interdict/interdict/sbom"
)

// legalForms are words that say what sort of company one is, in Latin and
// Cyrillic letters and as tokens of normalizeEntity. Ones of two words or more
// are in legalPhrases.
var legalForms = tokenSet(`
	ltd limited co company corp corporation corperation inc incorporated llc llp lp plc
	gmbh ag kg se sa sas sarl srl spa bv nv oy oyj ab as aps kk pte pty sro doo fz fze fzco zrt kft
	jsc cjsc ojsc pjsc ao zao ooo oao pao
	ао зао ооо оао пао тоо чао ип the`)

// legalPhrases are written out in full in registers. Longer ones come first.
var legalPhrases = []string{
	"общество с ограниченной ответственностью", "закрытое акционерное общество",
	"публичное акционерное общество", "открытое акционерное общество", "акционерное общество",
	"zakrytoe aktsionernoe obshchestvo", "aktsionernoe obshchestvo",
	"closed joint stock company", "open joint stock company", "public joint stock company", "joint stock company",
	"limited liability company",
}

// hanForms end the name of a Chinese or Japanese company. Longer ones come first.
var hanForms = []string{"股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "株式会社", "公司"}

// shortName is the length in bytes up to which a name without its legal form is
// too common to stand alone: "ZTE Corporation" is not "zte".
const shortName = 4

// normalizeEntity returns the name of a legal entity as its tokens, joined by
// one space: compatibility forms folded (NFKC), lower case, without
// punctuation and without legal forms. Two spellings of one name have the same
// normal form. It is empty when nothing but legal forms is left.
func normalizeEntity(s string) string {
	words := entityWords(s)
	bare := trimForms(words)
	if len(bare) == 0 {
		return ""
	}
	name := strings.Join(bare, " ")
	if len(name) < shortName && isASCII(name) {
		if i := slices.Index(words, bare[0]); i+1 < len(words) {
			name += " " + canonicalForm(words[i+1])
		}
	}
	return name
}

// entityWords returns the tokens of a name, legal forms included.
func entityWords(s string) []string {
	if !isASCII(s) {
		s = norm.NFKC.String(s)
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	var last rune
	for _, r := range s {
		switch {
		case r == '\'' || r == '’':
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			// A change between Han and other letters is the end of a token.
			if last != 0 && last != ' ' && unicode.Is(unicode.Han, r) != unicode.Is(unicode.Han, last) {
				b.WriteByte(' ')
			}
			r = unicode.ToLower(r)
		default:
			r = ' '
		}
		b.WriteRune(r)
		last = r
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, p := range legalPhrases {
		if strings.Contains(text, p) {
			text = strings.ReplaceAll(" "+text+" ", " "+p+" ", " ")
		}
	}
	words := strings.Fields(text)
	for i, w := range words {
		if !isASCII(w) {
			words[i] = trimHan(w)
		}
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

func trimHan(w string) string {
	for _, f := range hanForms {
		if cut, ok := strings.CutSuffix(w, f); ok {
			return cut
		}
	}
	return w
}

// trimForms cuts legal forms from both ends of a name.
func trimForms(words []string) []string {
	for len(words) > 0 && legalForms[words[0]] {
		words = words[1:]
	}
	for len(words) > 0 && legalForms[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return words
}

// canonicalForm brings the spellings of one legal form together.
func canonicalForm(w string) string {
	switch w {
	case "corporation", "corperation":
		return "corp"
	case "limited":
		return "ltd"
	case "company":
		return "co"
	case "incorporated":
		return "inc"
	}
	return w
}

// vendorLabels are keys of image labels that name who made the image (OCI
// image-spec annotations.md, and the older forms).
var vendorLabels = []string{"org.opencontainers.image.vendor", "org.opencontainers.image.authors", "vendor", "maintainer"}

// entityNames yields the names in a value, not yet normalised.
func entityNames(form sbom.NameForm, value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		switch form {
		case sbom.NamePlain:
			yield(value)
		case sbom.NameContact:
			yield(contact(value))
		case sbom.NameCopyright:
			if !yield(copyrightHolder(value)) || !strings.ContainsAny(value, ",;|") {
				return
			}
			for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(",;|", r) }) {
				if !yield(copyrightHolder(part)) {
					return
				}
			}
		case sbom.NameDeveloperID:
			_, name, ok := strings.Cut(value, ": ")
			if !ok {
				name = value
			}
			if i := strings.LastIndex(name, " ("); i > 0 && strings.HasSuffix(name, ")") {
				name = name[:i]
			}
			yield(name)
		case sbom.NameLabel:
			if key, name, ok := strings.Cut(value, "="); ok && slices.Contains(vendorLabels, strings.ToLower(key)) {
				yield(contact(name))
			}
		case sbom.NameDistinguished:
			if !strings.Contains(value, "=") {
				yield(value)
				return
			}
			for _, key := range []string{"o", "cn"} {
				if name := attributes(value)[key]; name != "" && !yield(name) {
					return
				}
			}
		}
	}
}

// contact cuts mail and web addresses from "Name <mail> (address)".
func contact(s string) string {
	if i := strings.IndexByte(s, '<'); i > 0 {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '('); i > 0 && strings.ContainsAny(s[i:], "@/") {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

// copyrightWords are the words of a copyright line that are no name.
var copyrightWords = tokenSet("c copyright copyrights copr all rights reserved by and or present portions авторские все права защищены 版权所有 保留所有权利")

// copyrightHolder returns the name in a copyright line.
func copyrightHolder(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("©℗®™(),;", r)
	})
	words = slices.DeleteFunc(words, func(w string) bool {
		w = strings.ToLower(strings.Trim(w, ".-–—:"))
		return w == "" || copyrightWords[w] || isYears(w)
	})
	return strings.Join(words, " ")
}

// isYears reports whether w is made of digits and dashes.
func isYears(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return !unicode.IsDigit(r) && r != '-' && r != '–' && r != '—' }) < 0
}

// attributes reads a distinguished name in the form of RFC 4514, or with
// slashes as OpenSSL writes it, into lower-case keys. Of a key that comes
// twice, the first counts.
func attributes(dn string) map[string]string {
	m := map[string]string{}
	for part := range splitDN(dn) {
		key, value, ok := strings.Cut(part, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if _, taken := m[key]; ok && !taken {
			m[key] = strings.ReplaceAll(strings.Trim(strings.TrimSpace(value), `"`), `\`, "")
		}
	}
	return m
}

// splitDN yields the parts between commas, pluses or slashes that begin an
// attribute: "Co., Ltd" has a comma that does not.
func splitDN(dn string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i < len(dn); i++ {
			if (dn[i] == ',' || dn[i] == '+' || dn[i] == '/') && beginsAttribute(dn[i+1:]) && (i == 0 || dn[i-1] != '\\') {
				if !yield(dn[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(dn[start:])
	}
}

func beginsAttribute(s string) bool {
	key, _, ok := strings.Cut(strings.TrimLeft(s, " "), "=")
	if !ok || key == "" || len(key) > 24 {
		return false
	}
	return strings.IndexFunc(key, func(r rune) bool {
		return r != '.' && (r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) < 0
}

func tokenSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
