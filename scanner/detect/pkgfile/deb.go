package pkgfile

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
)

// deb(5): an ar archive whose first member is debian-binary.
const debMagic = "!<arch>\ndebian-binary"

func isDeb(head []byte) bool {
	return len(head) >= len(debMagic) && string(head[:len(debMagic)]) == debMagic
}

// arMember is one file of an ar archive.
type arMember struct {
	name     string
	at, size int64
}

// maxArMembers bounds a deb's members: it has three, and signatures.
const maxArMembers = 64

// arMembers lists the members of an ar archive without symbol table or long
// names, as a deb is (ar(5)). What it read before an error is returned too.
func arMembers(f *scanner.File) ([]arMember, error) {
	var ms []arMember
	var h [60]byte
	for at := int64(8); at < f.Size; {
		if _, err := f.ReadAt(h[:], at); err != nil {
			return ms, fmt.Errorf("reading the header of a member: %w", unexpected(err))
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 63)
		if err != nil || string(h[58:]) != "`\n" || size < 0 {
			return ms, errors.New("reading the header of a member: not a header")
		}
		if len(ms) == maxArMembers {
			return ms, fmt.Errorf("more than %d members", maxArMembers)
		}
		m := arMember{name: strings.TrimRight(string(h[:16]), " /"), at: at + 60, size: size}
		if m.at+size > f.Size {
			m.size = f.Size - m.at
			return append(ms, m), fmt.Errorf("reading %s: %w", m.name, io.ErrUnexpectedEOF)
		}
		ms = append(ms, m)
		at = m.at + size + size%2
	}
	return ms, nil
}

func (m arMember) open(f *scanner.File) *io.SectionReader {
	return io.NewSectionReader(f, m.at, m.size)
}

func readDeb(f *scanner.File) (*pkg, error) {
	ms, err := arMembers(f)
	var p *pkg
	var keys []key
	for _, m := range ms {
		switch {
		case strings.HasPrefix(m.name, "control.tar") && p == nil:
			var cerr error
			if p, cerr = readControl(m.open(f)); cerr != nil && err == nil {
				err = fmt.Errorf("reading %s: %w", m.name, cerr)
			}
		case strings.HasPrefix(m.name, "_gpg"): // debsig-verify, dpkg-sig
			b, _ := readAll(m.open(f))
			keys = append(keys, pgpKeys(b, m.name)...)
		}
	}
	if p != nil {
		p.keys = keys
	}
	return p, err
}

// readControl reads the file "control" of a control.tar.
func readControl(r *io.SectionReader) (*pkg, error) {
	t, done, err := tarReader(r)
	if err != nil {
		return nil, err
	}
	defer done()
	for n := 0; n < 1000; n++ {
		h, err := t.Next()
		if err != nil {
			return nil, unexpected(err)
		}
		if path.Clean(h.Name) != "control" {
			continue
		}
		b, err := readAll(t)
		return parseControl(b), unexpectedOrNil(err)
	}
	return nil, errors.New("no file named control")
}

// tarReader opens a tar that is compressed or not. What may come out of it is
// bounded.
func tarReader(r *io.SectionReader) (*tar.Reader, func(), error) {
	head := make([]byte, 512)
	n, _ := r.ReadAt(head, 0)
	kind := compress.Name("", head[:n])
	if kind == "" {
		return tar.NewReader(r), func() {}, nil
	}
	z, done, err := compress.NewReader(kind, bufio.NewReader(r))
	if err != nil {
		return nil, nil, err
	}
	return tar.NewReader(io.LimitReader(z, 4*maxControl)), done, nil
}

// parseControl reads the first paragraph of a control file: deb822(5).
func parseControl(b []byte) *pkg {
	fields := map[string]string{}
	last := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
			if len(fields) > 0 {
				b = nil
			}
		case line[0] == ' ' || line[0] == '\t':
			fields[last] += "\n" + line
		default:
			k, v, _ := strings.Cut(line, ":")
			last = strings.ToLower(k)
			fields[last] = strings.TrimSpace(v)
		}
		if b == nil {
			break
		}
	}
	summary, _, _ := strings.Cut(fields["description"], "\n")
	return &pkg{
		kind: "deb", name: fields["package"], version: fields["version"], arch: fields["architecture"],
		vendor: fields["vendor"], packager: fields["maintainer"], origin: fields["origin"],
		home: fields["homepage"], summary: summary, license: fields["license"],
	}
}

// expandDeb passes on the package's files, and the scripts beside them.
func expandDeb(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	ms, err := arMembers(f)
	for _, m := range ms {
		member := scanner.Member{Name: m.name, Size: m.size, ReaderAt: m.open(f)}
		switch {
		case strings.HasPrefix(m.name, "data.tar"):
			member.Wrapping = true
		case m.name == "debian-binary", strings.HasPrefix(m.name, "_gpg"):
			claim(v, m)
			continue
		case !strings.HasPrefix(m.name, "control.tar"):
			continue
		}
		claim(v, m)
		if err := v.Visit(ctx, member); err != nil {
			return err
		}
	}
	if err != nil {
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: "reading a deb: " + err.Error()})
	}
	return nil
}

// claim accounts for a member of a deb: others than the known ones are searched
// for what they are.
func claim(v scanner.Visitor, m arMember) {
	if c, ok := v.(scanner.Claimer); ok {
		c.Claim(m.at-60, m.at+m.size)
	}
}

// pgpKeys names the keys that made the OpenPGP signatures in b.
func pgpKeys(b []byte, where string) []key {
	r := io.Reader(strings.NewReader(string(b)))
	if block, err := armor.Decode(strings.NewReader(string(b))); err == nil {
		r = block.Body
	}
	var keys []key
	packets := packet.NewReader(r)
	for range 16 {
		p, err := packets.Next()
		if err != nil {
			break
		}
		if s, ok := p.(*packet.Signature); ok {
			switch {
			case len(s.IssuerFingerprint) > 0:
				keys = append(keys, key{fmt.Sprintf("%X", s.IssuerFingerprint), where})
			case s.IssuerKeyId != nil:
				keys = append(keys, key{fmt.Sprintf("%016X", *s.IssuerKeyId), where})
			}
		}
	}
	return keys
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func unexpectedOrNil(err error) error {
	if err == nil {
		return nil
	}
	return unexpected(err)
}
