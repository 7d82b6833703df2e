package pkgfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// The rpm format: a lead, two headers and a payload (rpm's docs/manual/format_v4.md).
const (
	rpmLead       = 96
	rpmHeader     = "\x8e\xad\xe8\x01"
	rpmMaxTags    = 0xffff   // as rpm itself: HEADER_TAGS_MAX
	rpmMaxData    = 64 << 20 // rpm itself allows 256 MiB
	rpmTypeString = 6
	rpmTypeBin    = 7
	rpmTypeArray  = 8
	rpmTypeI18N   = 9
)

// Tags: rpm's include/rpm/rpmtag.h.
const (
	rpmTagDSA          = 267 // of the header alone
	rpmTagRSA          = 268
	rpmTagPGP          = 1002 // of header and payload; in the signature header
	rpmTagGPG          = 1005
	rpmTagName         = 1000
	rpmTagVersion      = 1001
	rpmTagRelease      = 1002
	rpmTagEpoch        = 1003
	rpmTagSummary      = 1004
	rpmTagDistribution = 1010
	rpmTagVendor       = 1011
	rpmTagLicense      = 1014
	rpmTagPackager     = 1015
	rpmTagURL          = 1020
	rpmTagArch         = 1022
)

func isRPM(head []byte) bool {
	return len(head) >= rpmLead && string(head[:4]) == "\xed\xab\xee\xdb"
}

// rpmTags is a header's string and binary values, the first of each tag.
type rpmTags map[uint32][]byte

func (t rpmTags) text(tag uint32) string { return string(t[tag]) }

// readRPMHeader reads the header at an offset, and tells where it ends.
func readRPMHeader(f *scanner.File, at int64) (rpmTags, int64, error) {
	var intro [16]byte
	if _, err := f.ReadAt(intro[:], at); err != nil {
		return nil, 0, unexpected(err)
	}
	if string(intro[:4]) != rpmHeader {
		return nil, 0, errors.New("no header where one should be")
	}
	tags, size := binary.BigEndian.Uint32(intro[8:]), binary.BigEndian.Uint32(intro[12:])
	if tags > rpmMaxTags || size > rpmMaxData {
		return nil, 0, fmt.Errorf("a header of %d tags and %d bytes", tags, size)
	}
	start := at + 16
	end := start + int64(tags)*16 + int64(size)
	if end > f.Size {
		return nil, 0, io.ErrUnexpectedEOF
	}
	b := make([]byte, end-start)
	if _, err := f.ReadAt(b, start); err != nil {
		return nil, 0, unexpected(err)
	}
	index, data := b[:tags*16], b[tags*16:]
	values := rpmTags{}
	for ; len(index) > 0; index = index[16:] {
		tag, kind := binary.BigEndian.Uint32(index), binary.BigEndian.Uint32(index[4:])
		off, count := binary.BigEndian.Uint32(index[8:]), binary.BigEndian.Uint32(index[12:])
		if uint64(off) > uint64(len(data)) {
			continue
		}
		value := data[off:]
		switch kind {
		case rpmTypeString, rpmTypeArray, rpmTypeI18N:
			value, _, _ = bytes.Cut(value, []byte{0})
		case rpmTypeBin:
			value = value[:min(uint64(count), uint64(len(value)))]
		case 4: // INT32
			value = value[:min(4, len(value))]
		default:
			continue
		}
		if _, ok := values[tag]; !ok {
			values[tag] = value
		}
	}
	return values, end, nil
}

// rpmHeaders reads both headers, and tells where the payload begins.
func rpmHeaders(f *scanner.File) (sig, main rpmTags, payload int64, err error) {
	sig, end, err := readRPMHeader(f, rpmLead)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("reading the signature header: %w", err)
	}
	main, payload, err = readRPMHeader(f, (end+7)&^7)
	if err != nil {
		return sig, nil, 0, fmt.Errorf("reading the header: %w", err)
	}
	return sig, main, payload, nil
}

func readRPM(f *scanner.File) (*pkg, error) {
	sig, h, _, err := rpmHeaders(f)
	if err != nil {
		return nil, err
	}
	p := &pkg{
		kind: "rpm", name: h.text(rpmTagName), arch: h.text(rpmTagArch),
		version: h.text(rpmTagVersion) + "-" + h.text(rpmTagRelease),
		vendor:  h.text(rpmTagVendor), packager: h.text(rpmTagPackager), origin: h.text(rpmTagDistribution),
		home: h.text(rpmTagURL), license: h.text(rpmTagLicense), summary: h.text(rpmTagSummary),
	}
	if e := h[rpmTagEpoch]; len(e) == 4 {
		p.epoch = fmt.Sprint(binary.BigEndian.Uint32(e))
	}
	for _, s := range []struct {
		tag   uint32
		where string
	}{{rpmTagRSA, "RSA header signature"}, {rpmTagDSA, "DSA header signature"}, {rpmTagPGP, "PGP signature"}, {rpmTagGPG, "GPG signature"}} {
		p.keys = append(p.keys, pgpKeys(sig[s.tag], s.where)...)
	}
	return p, nil
}

func expandRPM(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	_, _, at, err := rpmHeaders(f)
	if err != nil {
		return nil // Detect has said so
	}
	if at >= f.Size {
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: "an rpm without payload"})
		return nil
	}
	size := f.Size - at
	return v.Visit(ctx, scanner.Member{
		Name: "payload", Size: size, ReaderAt: io.NewSectionReader(f, at, size), Wrapping: true,
	})
}
