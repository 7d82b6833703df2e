package layer

import (
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// compression of a stored layer, told by its first bytes: media types are wrong
// too often.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
	xzipped
	bzipped
)

// maxWindow is the largest Zstandard window that is given memory. RFC 8878,
// section 3.1.1.1.2 recommends decoders to support 8 MiB at least; 128 MiB is
// what "zstd --long" makes and decodes by default.
const maxWindow = 128 << 20

// foreign are the compressions that are not read. Some runtimes unpack xz and
// bzip2 (moby/go-archive), none unpacks these.
var foreign = []struct{ magic, name string }{
	{"\x04\x22\x4d\x18", "lz4"},
	{"7z\xbc\xaf\x27\x1c", "7z"},
	{"LZIP", "lzip"},
	{"\x5d\x00\x00\x80\x00", "lzma"},
	{"PK\x03\x04", "zip"},
}

func compressionOf(head []byte) (compression, error) {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return gzipped, nil
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")): // xz-file-format.txt, 2.1.1.1
		return xzipped, nil
	case len(head) >= 10 && string(head[:3]) == "BZh" && (string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17rE8P\x90"):
		return bzipped, nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return zstandard, nil
	case len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return zstandard, nil // a skippable frame comes first: RFC 8878, section 3.1.2
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return plain, fmt.Errorf("%w: %s", ErrUnsupported, f.name)
		}
	}
	return plain, nil
}

// reader decompresses all members or frames of in, up to its end.
func (c compression) reader(in io.Reader) (io.ReadCloser, error) {
	switch c {
	case gzipped:
		z, err := newGunzip(in)
		return io.NopCloser(z), err
	case xzipped:
		z, err := xz.NewReader(in, maxWindow)
		return io.NopCloser(z), err
	case bzipped:
		return io.NopCloser(bzip2.NewReader(in)), nil
	}
	d, err := zstd.NewReader(in,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
